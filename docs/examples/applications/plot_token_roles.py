"""
Which part does a word play in its sentence?
============================================

In "the words play a part" and "the play of words", "play" is a verb and a noun: its
neighbours tell. Statements of Python have parts of speech as well. A name is read,
assigned to, called, an attribute or a parameter, and `ast` knows which; a reader sees
words alone. Steps need not be rows of numbers: here they are dicts, which
`StepwiseTransformer` hands to scikit-learn's `DictVectorizer`.
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
# The truth: what each name of a statement is, by the column at which it stands.


def roles_of_names(statement):
    """Return the role of each name, by its column."""
    roles = {}
    for node in ast.walk(ast.parse(statement)):  # from the outside inwards
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
# What the models see of a word: the word itself, where it is no name; of a name its
# first and last letters, for most names are too rare to be learnt.


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
# A network that reads each statement both ways, and for comparison a linear model of
# the same features, one word at a time. One-hot rows are sparse from end to end.

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
# What can be told from a word alone, and what takes its neighbours? Each pair of marks
# is a role, its share found among the words of files that no model has seen.

roles = [role for role in np.unique(truth) if role != "no name"]
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (name, labels), mark in zip(found.items(), "os", strict=True):
    shares = recall_score(truth, labels, labels=roles, average=None)
    ax.plot(shares, roles, mark, label=name)
    print(f"{name}: {np.mean(labels == truth):.3f} of all words")
ax.set(xlabel="share of the words of a role that are found", xlim=(-0.02, 1.02))
ax.legend(title="words read", loc=(0.58, 0.3))
