"""Faults in direct weights, and in the chain outside of its own modules."""

from _mutant import Mutant

NETWORK = "_network/model/network"
PARAMETERS = "_network/model/parameters"
INFERENCE = "_network/inference"
OBJECTIVE = "_network/training/objective"
PRECONDITIONING = "_network/training/preconditioning"
REGULARIZATION = "_network/training/regularization"
RULES = "_validation/transitions"
CLASSIFIER = "_estimators/classifier"
FITTED = "_estimators/fitted"
BASE = "_estimators/base"

MUTANTS = [
    # The network
    Mutant(
        "direct weights are not added",
        NETWORK,
        "inputs.add_product(batch.X, parameters.W_xy, skipped, out=L)",
        "pass",
        "network skip",
    ),
    Mutant(
        "the gradient of direct weights is doubled",
        NETWORK,
        "gradient.W_xy[...] = inputs.transposed_product(batch.X, dL)",
        "gradient.W_xy[...] = 2 * inputs.transposed_product(batch.X, dL)",
        "gradient",
    ),
    Mutant(
        "a network without hidden layers has no bias",
        NETWORK,
        "inputs.affine(batch.X, parameters.W_xy, parameters.b_y, out=L)",
        "inputs.affine(batch.X, parameters.W_xy, 0 * parameters.b_y, out=L)",
        "network skip",
    ),
    # Parameters
    Mutant(
        "the end comes before the start",
        PARAMETERS,
        "chain = Chain(*others) if self.transitions else None",
        "chain = Chain(others[0], *others[:0:-1]) if self.transitions else None",
        "parameters",
    ),
    Mutant(
        "forbidden transitions are forbidden in the other direction",
        PARAMETERS,
        "parts = allowed[:n, :n], allowed[n, :n], allowed[:n, n]",
        "parts = allowed[:n, :n].T, allowed[n, :n], allowed[:n, n]",
        "parameters transitions",
    ),
    Mutant(
        "the rules of the start are those of the end",
        PARAMETERS,
        "parts = allowed[:n, :n], allowed[n, :n], allowed[:n, n]",
        "parts = allowed[:n, :n], allowed[:n, n], allowed[n, :n]",
        "parameters transitions",
    ),
    Mutant(
        "the flat vector has -inf",
        PARAMETERS,
        "scores[scores == -np.inf] = 0",
        "pass",
        "parameters",
    ),
    Mutant(
        "a table without rules differs from no table",
        PARAMETERS,
        'return b"" if allowed.all() else allowed.tobytes()',
        "return allowed.tobytes()",
        "transitions",
    ),
    Mutant(
        "sequences without steps have rules",
        PARAMETERS,
        "allowed[-1, -1] = True",
        "pass",
        "transitions",
    ),
    Mutant(
        "the linear part misses the bias",
        PARAMETERS,
        "return theta[len(theta) - self.without_hidden.n_parameters :]",
        "return theta[-self.without_hidden.n_parameters + self.n_outputs :]",
        "parameters",
    ),
    Mutant(
        "the linear part is written to the given vector",
        PARAMETERS,
        "theta = theta.copy()\n        self.linear_part",
        "self.linear_part",
        "parameters",
    ),
    # Inference
    Mutant(
        "probabilities are those of single steps",
        INFERENCE,
        "return chain.marginals(result.L, result.offsets, result.chain)",
        "return softmax(result.L)",
        "transitions",
    ),
    Mutant(
        "log-probabilities are those of single steps",
        INFERENCE,
        "return chain.log_marginals(result.L, result.offsets, result.chain)",
        "return log_softmax(result.L)",
        "transitions",
    ),
    Mutant(
        "labels are the best of single steps",
        INFERENCE,
        "return chain.viterbi(result.L, result.offsets, result.chain)",
        "return result.L.argmax(axis=1)",
        "transitions",
    ),
    Mutant(
        "a step forgets the direct weights",
        INFERENCE,
        "L += X_t.dot(parameters.W_xy)",
        "pass",
        "skip",
    ),
    Mutant(
        "a step without hidden layers has no bias",
        INFERENCE,
        "L = np.tile(parameters.b_y, (len(X_t), 1))",
        "L = np.zeros((len(X_t), len(parameters.b_y)))",
        "skip",
    ),
    Mutant(
        "unknown labels count without a chain",
        INFERENCE,
        "np.where(is_known, log_proba, 0.0)",
        "log_proba",
        "transitions",
    ),
    Mutant(
        "unknown labels count in a chain",
        INFERENCE,
        "y[rows], is_known[rows], scores",
        "y[rows], is_known[rows] | True, scores",
        "transitions",
    ),
    Mutant(
        "an empty sequence has no labeling",
        INFERENCE,
        "(np.empty((1, 0), np.intp), np.zeros(1))",
        "(np.empty((0, 0), np.intp), np.zeros(0))",
        "transitions",
    ),
    Mutant(
        "a sequence without any labeling has no number",
        INFERENCE,
        "out[np.isnan(out)] = -np.inf",
        "pass",
        "transitions",
    ),
    # Training
    Mutant(
        "the loss of a chain is that of its steps",
        OBJECTIVE,
        "if parameters.chain is None:\n        return LOSSES",
        'if architecture.output == "softmax":\n        return LOSSES',
        "objective gradient",
    ),
    Mutant(
        "a sequence of a chain counts once in a comparison, whatever its weight",
        OBJECTIVE,
        "losses *= batch.sequence_weights",
        "pass",
        "objective",
    ),
    Mutant(
        "forbidden transitions are allowed in training",
        OBJECTIVE,
        "parameters = architecture.parameters(theta.astype(space.dtype, copy=False))",
        "parameters = architecture.unflatten(theta.astype(space.dtype, copy=False))",
        "gradient",
    ),
    Mutant(
        "direct weights are penalized as weights of hidden layers",
        REGULARIZATION,
        "parameters.W_xy[...] = features.mean_square[:, None]",
        "parameters.W_xy[...] = np.square(features.penalty_scale)[:, None]",
        "regularization skip",
    ),
    Mutant(
        "transitions are free",
        REGULARIZATION,
        "scores[...] = 1.0",
        "scores[...] = 0.0",
        "regularization",
    ),
    Mutant(
        "the curvature of transitions is forgotten",
        PRECONDITIONING,
        "scores += weight * slope**2",
        "pass",
        "preconditioning",
    ),
    Mutant(
        "units of features are those of hidden weights alone",
        PRECONDITIONING,
        "direct = [] if parameters.W_xy is None else [parameters.W_xy]",
        "direct = []",
        "preconditioning",
    ),
    Mutant(
        "direct weights stay in standard units",
        "_network/training/target_scaling",
        "return [parameters.W_hy, parameters.b_y, *direct]",
        "return [parameters.W_hy, parameters.b_y]",
        "target_scaling skip",
    ),
    # Rules
    Mutant(
        "an end of a span needs no span",
        "_validation/label_schemes",
        'Scheme("BMES", "BIES", after="IE", before="BI", spelling="BMES")',
        'Scheme("BMES", "BIES", after="IE", before="B", spelling="BMES")',
        "transitions",
    ),
    Mutant(
        "types of neighbors may differ",
        RULES,
        "same = kind[:, None] == kind",
        "same = np.ones((len(kind), len(kind)), dtype=bool)",
        "transitions",
    ),
    Mutant(
        "a span may go on after its end",
        RULES,
        'follows = same & np.isin(prefix, ["B", "I"])[:, None]',
        'follows = same & np.isin(prefix, ["B", "I", "E"])[:, None]',
        "transitions",
    ),
    Mutant(
        "weights of labeled steps may differ",
        RULES,
        "if differs.any():",
        "if differs.all():",
        "transitions",
    ),
    Mutant(
        "a label of the sequence before is the one before the first",
        RULES,
        "left = np.where(is_first, outside, np.roll(codes, 1))",
        "left = np.roll(codes, 1)",
        "transitions",
    ),
    Mutant(
        "labels without weight must keep the rules",
        RULES,
        "wrong = labeled & (np.roll(labeled, 1) | is_first) & ~allowed[left, codes]",
        "wrong = ~allowed[left, codes]",
        "transitions",
    ),
    Mutant(
        "any label may be the last",
        RULES,
        "wrong = labeled & is_last & ~allowed[codes, outside]",
        "wrong = np.zeros_like(labeled)",
        "transitions",
    ),
    Mutant(
        "gaps are not checked",
        RULES,
        "    _check_gaps(codes, labeled, sequences, allowed)\n\n\n",
        "\n\n",
        "transitions",
    ),
    Mutant(
        "a gap may end anywhere",
        RULES,
        "if possible[n_classes]:",
        "if possible.any():",
        "transitions",
    ),
    # Estimators
    Mutant(
        "labels that are no class are read as the first",
        CLASSIFIER,
        "log_proba[number[~is_class]] = -np.inf",
        "pass",
        "transitions",
    ),
    Mutant(
        "missing labels are read as the first class",
        CLASSIFIER,
        "logits, sequences.lengths, codes, ~missing, self._chain()",
        "logits, sequences.lengths, codes, missing | True, self._chain()",
        "transitions",
    ),
    Mutant(
        "the n best have no padding label",
        CLASSIFIER,
        "padded = np.full(shape, self.padding_label_, classes.dtype)",
        "padded = np.full(shape, self.classes_[0], classes.dtype)",
        "transitions",
    ),
    Mutant(
        "labelings that do not exist are certain",
        CLASSIFIER,
        "scores = np.full(shape[:2], -np.inf)",
        "scores = np.zeros(shape[:2])",
        "transitions",
    ),
    Mutant(
        "whether there is a chain is read from the parameter",
        CLASSIFIER,
        'has_chain = vars(self).get("transition_coef_") is not None',
        "has_chain = self.transitions",
        "transitions",
    ),
    Mutant(
        "the rules are forgotten",
        CLASSIFIER,
        "classes, codes = encode_labels(labels)\n",
        "classes, codes = encode_labels(labels)\n        self.label_scheme = None\n",
        "transitions",
    ),
    Mutant(
        "weights within a sequence are not checked",
        CLASSIFIER,
        "        if self.transitions:\n            check_weights_of_chains(",
        "        if False:\n            check_weights_of_chains(",
        "transitions",
    ),
    Mutant(
        "a stream starts with all labels alike",
        FITTED,
        "states.append(np.tile(chain.start, (n_sequences, 1)))",
        "states.append(np.tile(0 * chain.end, (n_sequences, 1)))",
        "transitions",
    ),
    Mutant(
        "a linear network that is to be two-way has two directions",
        BASE,
        "n_directions=2 if self.bidirectional and sizes else 1",
        "n_directions=2 if self.bidirectional else 1",
        "skip",
    ),
    Mutant(
        "a strength that nothing uses is reported",
        BASE,
        "skip_alpha = choice.skip_alpha if is_used else None",
        "skip_alpha = choice.skip_alpha",
        "skip",
    ),
]
