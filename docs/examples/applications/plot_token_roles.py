"""
What is the role of a word in its sentence?
===========================================

In "the words play a part" and "the play of words", "play" is a verb and a noun, as its
neighbors show. Names in Python statements have roles, too: they are read, assigned to,
called, attributes or parameters. `ast` knows the role; the models see only words. Steps
need not be rows of numbers: here they are dicts, which `StepwiseTransformer` passes to
scikit-learn's `DictVectorizer`.
"""

import ast
import io
import keyword
import tokenize

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline

from skrnn import StepwiseTransformer, VanillaRNNClassifier, as_ragged
from skrnn.datasets import load_python_source

# %%
# The true labels: the role of each name in a statement, by its column.


def roles_of_names(statement):
    """Return the role of each name, by its column."""
    roles = {}
    for node in ast.walk(ast.parse(statement)):  # from the outermost node inwards
        match node:
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(attr=name) as function
            ):
                roles[function.end_col_offset - len(name)] = "called"
            case ast.Attribute(attr=name):
                roles.setdefault(node.end_col_offset - len(name), "attribute")
            case ast.Name(ctx=ast.Store()):
                roles[node.col_offset] = "assigned"
            case ast.Name():
                roles.setdefault(node.col_offset, "read")
            case ast.arg() | ast.keyword(arg=str()):
                roles[node.col_offset] = "parameter"
            case ast.alias():
                roles[node.col_offset] = "imported"
    return roles


def tokens_and_roles(statement):
    """Return the words of a statement, and the role of each."""
    roles = roles_of_names(statement)
    words, labels = [], []
    for token in tokenize.generate_tokens(io.StringIO(statement).readline):
        if not token.string.strip():
            continue
        words.append(token.string)
        is_name = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
        labels.append(roles.get(token.start[1], "defined") if is_name else "no name")
    return words, labels


# %%
# The features of a word: the word itself, unless it is a name; for a name its first and
# last letters, because most names are too rare to learn.


def features(word):
    """Describe a word by itself."""
    if not word.isidentifier() or keyword.iskeyword(word):
        return {"word": word if len(word) < 4 or word.isalpha() else word[0]}
    return {
        "first": word[0],
        "end": word[-2:],
        "capital": word[0].isupper(),
        "all capitals": word.isupper(),
        "letters": min(len(word), 10) / 10,
    }


X, y, files = [], [], []
source = load_python_source(4000, random_state=0)
for line, file in zip(source.data, source.groups, strict=True):
    # The first line of a block is a statement once it has a body.
    statement = line.strip() + " pass" * line.rstrip().endswith(":")
    try:
        words, labels = tokens_and_roles(statement)
    except SyntaxError:
        continue
    if statement.isascii() and len(words) > 2:
        X.append([features(word) for word in words])
        y.append(labels)
        files.append(file)
X, y = np.fromiter(X, object, len(X)), as_ragged(y)
split = GroupShuffleSplit(1, test_size=0.3, random_state=0)
train, test = next(split.split(X, y, files))
print(len(X), "statements;", X[0][:2])

# %%
# A bidirectional network, and for comparison a linear model of the same features, one
# word at a time. One-hot rows are sparse throughout.

model = make_pipeline(
    StepwiseTransformer(DictVectorizer(dtype=np.float32)),
    VanillaRNNClassifier(32, bidirectional=True, early_stopping=True, random_state=0),
)
model.fit(X[train], y[train])
linear = make_pipeline(DictVectorizer(), LogisticRegression(max_iter=2000))
linear.fit(np.concatenate(X[train]), np.concatenate(y[train]))

truth = np.concatenate(y[test])
found = {
    "word by word": linear.predict(np.concatenate(X[test])),
    "in their statement": np.concatenate(model.predict(X[test])),
}

# %%
# Which roles are clear from a single word, and which need its neighbors? Each pair of
# markers shows the recall of a role, over words of files not seen in training.

roles = [role for role in np.unique(truth) if role != "no name"]
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (name, labels), mark in zip(found.items(), "os", strict=True):
    shares = recall_score(truth, labels, labels=roles, average=None)
    ax.plot(shares, roles, mark, label=name)
    print(f"{name}: {np.mean(labels == truth):.3f} of all words")
ax.set(xlabel="share of the words of a role that are found", xlim=(-0.02, 1.02))
ax.legend(title="words read", loc=(0.58, 0.3))
