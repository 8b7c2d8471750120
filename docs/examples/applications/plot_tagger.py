"""
Which words are dates, persons and places?
==========================================

"May" is a month or a name, "Jordan" a person or a country, and most names are new. The
sentences are made up; the features of a word are a dict: the word itself, its ending
and its shape. A conditional random field looks at single words and at the labels of
neighbors. How much more do hidden units see, which read the whole sentence?
"""

import random

import matplotlib.pyplot as plt
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline

from skrnn import StepwiseTransformer, VanillaRNNClassifier, as_ragged
from skrnn.metrics import span_f1_score, span_precision_recall_fscore_support
from skrnn.plotting import TransitionDisplay

MONTHS = ["March", "April", "May", "June"]
NAMES = ["April", "June", "May", "Paris", "Jordan"]
PLACES = ["Paris", "Jordan", "Bern"]
rng = random.Random(0)


def new_name():
    """Make up a name."""
    syllables = [rng.choice("bdklmnrst") + rng.choice("aeiou") for _ in range(3)]
    return "".join(syllables).capitalize()


def sentence():
    """Return words with a date, a person and a place, and their labels."""
    year = rng.choice([[], [str(rng.randint(1900, 2025))]])
    date = [str(rng.randint(1, 30)), rng.choice(MONTHS), *year]
    person = [rng.choice([rng.choice(NAMES), new_name()])]
    person += rng.choice([[], [new_name()]])
    place = [*rng.choice([[], ["New"]]), rng.choice([rng.choice(PLACES), new_name()])]
    parts = [
        (["on"], date, "DATE"),
        (rng.choice([["with"], []]), person, "PER"),
        (["in"], place, "LOC"),
    ]
    words, labels = [], []
    for before, span, kind in rng.sample(parts, 3):
        filler = rng.choice([["then"], ["it", "was", "seen"], []]) + before
        words += filler + span
        labels += ["O"] * len(filler) + [f"B-{kind}"]
        labels += [f"I-{kind}"] * (len(span) - 1)
    return words, labels


def features(word):
    """Describe a word by itself."""
    shape = [
        "X" if c.isupper() else "d" if c.isdigit() else "x" if c.isalpha() else c
        for c in word
    ]
    return {"word": word.lower(), "ending": word[-2:], "shape": "".join(shape)}


sentences = [sentence() for _ in range(500)]
X = as_ragged([[features(word) for word in words] for words, _ in sentences])
y = as_ragged([labels for _, labels in sentences])
train, test = slice(300), slice(300, None)
for word, label in zip(*sentences[0], strict=True):
    print(f"{word:10} {label}")

# %%
# Direct weights and a chain of labels are the random field; then hidden units on top.
# The scheme excludes labelings such as I-LOC after B-PER.

tagger = {"skip_connection": True, "transitions": True, "label_scheme": "IOB2"}
models = {}
for name, parameters in {
    "random field": {"hidden_layer_sizes": ()},
    "with hidden units": {"hidden_layer_sizes": 16, "bidirectional": True},
}.items():
    network = VanillaRNNClassifier(tol=1e-3, random_state=0, **tagger, **parameters)
    vectorizer = StepwiseTransformer(DictVectorizer())
    models[name] = make_pipeline(vectorizer, network).fit(X[train], y[train])
    score = span_f1_score(y[test], models[name].predict(X[test]))
    print(f"{name:18} F1 of spans {score:.3f}")

# %%
# The report by type of span.

kinds = ["DATE", "LOC", "PER"]
predicted = models["with hidden units"].predict(X[test])
scores = span_precision_recall_fscore_support(y[test], predicted, labels=kinds)
print("      precision  recall      F1  spans")
for kind, *row in zip(kinds, *scores, strict=True):
    print("{:5} {:9.3f} {:7.3f} {:7.3f} {:6}".format(kind, *row))

# %%
# What the random field has learned about neighbors: a span goes on, and spans of one
# type rarely follow each other. Crosses are what the scheme forbids.

display = TransitionDisplay.from_estimator(models["random field"])
display.ax_.set_title("scores of labels (columns) after others (rows)")
plt.show()
