"""Faults in labels, targets, weights, tokens and the containers they come in."""

from _mutant import Mutant

MUTANTS = [
    # Steps without a label
    Mutant(
        "a missing label is an error whatever its weight",
        "_validation/targets",
        "wrong = missing if weights is None else missing & (weights > 0)",
        "wrong = missing",
        "unlabeled",
    ),
    Mutant(
        "a missing label passes at any weight",
        "_validation/targets",
        "wrong = missing if weights is None else missing & (weights > 0)",
        "wrong = missing if weights is None else missing & False",
        "unlabeled",
    ),
    Mutant(
        "NaN makes floats of the integers in its list",
        "_validation/targets",
        "retyped = is_list and spec is LABEL and _nullable(part)",
        "retyped = False",
        "unlabeled",
    ),
    Mutant(
        "NaN makes floats of the integers in rows",
        "_validation/targets",
        "return list(y) if is_list and len(shape) == 1 and _nullable(flat) else flat",
        "return flat",
        "unlabeled",
    ),
    Mutant(
        "NaT is a missing label",
        "_validation/targets",
        "isinstance(value, Number) and not isinstance(value, np.timedelta64)",
        "value is not None and value != value or isinstance(value, Number)",
        "unlabeled",
    ),
    Mutant(
        "pandas.NA is a label",
        "_validation/targets",
        'return value is None or type(value).__name__ == "NAType"',
        "return value is None",
        "unlabeled",
    ),
    Mutant(
        "labels of weight 0 are no classes",
        "_estimators/classifier",
        "classes, codes = encode_labels(labels)",
        "classes, codes = encode_labels(np.where(weights > 0, labels, labels[0]))",
        "unlabeled",
    ),
    Mutant(
        "a target of weight 0 is read",
        "_validation/targets",
        "if weights is not None and not weights.all():",
        "if False:",
        "unlabeled",
    ),
    Mutant(
        "no target is read where one is not",
        "_validation/targets",
        "flat[weights == 0] = read.min(axis=0) if len(read) else 0",
        "flat[weights >= 0] = read.min(axis=0) if len(read) else 0",
        "unlabeled",
    ),
    Mutant(
        "None among targets is a string",
        "_validation/targets",
        "flat = np.asarray(np.where(missing, np.nan, flat).tolist())",
        "flat = np.asarray(flat.tolist())",
        "unlabeled",
    ),
    # Padding
    Mutant(
        "a list as wide as X is cut",
        "_validation/targets",
        "        if len(part) != n:\n",
        "        if sequences.form == 'padded':\n            part = part[:n]\n"
        "        if len(part) != n:\n",
        "targets",
    ),
    Mutant(
        "no hint that arrays are padded",
        "_validation/targets",
        "n_entries != sequences.data.shape[1]",
        "n_entries == sequences.data.shape[1]",
        "targets",
    ),
    Mutant(
        "ragged labels that end in -1 are suspicious",
        "_validation/targets",
        'if sequences.form == "padded" and not missing.any():\n'
        "        _warn_of_forgotten_padding",
        'if sequences.form == "padded":\n        pass\n'
        "    elif len(set(sequences.lengths.tolist())) == 1:\n"
        "        warnings.warn('padding_value', stacklevel=2)\n"
        "        _ = _warn_of_forgotten_padding",
        "targets",
    ),
    Mutant(
        "a class anywhere in y is taken for padding",
        "_validation/targets",
        " and (marked == trailing).all():",
        ":",
        "targets",
    ),
    Mutant(
        "the padding label may be a class",
        "_validation/targets",
        "return -1 if -1 not in known else min(known) - 1",
        "return -1",
        "targets",
    ),
    Mutant(
        "a masked array in a list loses its mask",
        "_validation/targets",
        '        reject_masked(item, f"{name}[{i}]", "-1")\n',
        "",
        "targets",
    ),
    Mutant(
        "lengths are not heeded",
        "preprocessing/_padding",
        "row[:n] = item[:n]",
        "row[: len(item)] = item",
        "padding",
    ),
    Mutant(
        "a padding value is kept in a type that cannot hold it",
        "preprocessing/_padding",
        "if not np.can_cast(np.min_scalar_type(padding_value), dtype):",
        "if dtype.kind not in 'iuf':",
        "padding",
    ),
    # Weights
    Mutant(
        "negative weights are taken",
        "_validation/targets",
        "if (weights < 0).any():",
        "if (weights < -1).any():",
        "bad_inputs",
    ),
    Mutant(
        '"balanced" counts classes that are not there',
        "_estimators/classifier",
        "n_present = np.count_nonzero(counts)",
        "n_present = len(classes)",
        "classifier",
    ),
    Mutant(
        "weights may vanish in single precision",
        "_estimators/base",
        "weights.max() >= np.finfo(dtype).tiny",
        "weights.max() > 0",
        "fuzz_findings",
    ),
    # Containers
    Mutant(
        "strings of Arrow are character codes",
        "_validation/containers",
        '("to_pylist", "as_py", "to_list")',
        '("to_list",)',
        "containers",
    ),
    Mutant(
        "strings of Arrow in lists are character codes",
        "_validation/containers",
        'if any(hasattr(kind, "as_py") for kind in set(map(type, values))):',
        "if False:",
        "containers",
    ),
    Mutant(
        "StringDType is passed on",
        "_validation/containers",
        'return _as_unicode(values) if values.dtype.kind == "T" else values',
        "return values",
        "containers",
    ),
    Mutant(
        "the keys of a dict are its sequences",
        "_validation/containers",
        'if isinstance(values, Mapping) and not hasattr(values, "shape"):',
        "if False:",
        "containers",
    ),
    Mutant(
        "a lazy frame is asked for its columns",
        "_validation/containers",
        'if hasattr(values, "collect") and not hasattr(values, "shape"):',
        "if False:",
        "containers",
    ),
    Mutant(
        "missing integers of pandas become floats",
        "_validation/containers",
        "if not isinstance(values.dtype, np.dtype) and np.any(values.isna()):",
        "if False:",
        "unlabeled",
    ),
    Mutant(
        "missing integers of polars frames become floats",
        "_validation/containers",
        'if hasattr(frame, "rows"):',
        "if False:",
        "unlabeled",
    ),
    # Tokens and frames
    Mutant(
        "a token of another type passes",
        "_validation/tokens",
        "if odd.any():",
        "if False:",
        "one_hot",
    ),
    Mutant(
        "padding before a token is a token's absence",
        "_validation/tokens",
        "return np.logical_or.accumulate(~blank[:, ::-1], axis=1)[:, ::-1]",
        "return ~blank",
        "one_hot",
    ),
    Mutant(
        "the first of several id columns names the sequence",
        "preprocessing/_frames",
        "_numbered(codes * (further.max() + 1) + further)",
        "_numbered(further)",
        "frames",
    ),
    Mutant(
        "sequences come in the order of their names",
        "preprocessing/_frames",
        "    order = np.argsort(first)\n",
        "    order = np.arange(len(first))\n",
        "frames",
    ),
    Mutant(
        "a column of several types is read",
        "preprocessing/_frames",
        "if len(groups) > 1:",
        "if False:",
        "frames",
    ),
]
