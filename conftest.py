"""Doctests of classes that name a public module as theirs."""

import doctest
import inspect

_is_from = doctest.DocTestFinder._from_module


def _from_module(finder, module, thing):
    """Find a class where its methods are defined, whatever its ``__module__`` says."""
    if module is not None and inspect.isclass(thing):
        for method in vars(thing).values():
            namespace = getattr(inspect.unwrap(method), "__globals__", None)
            if namespace is not None:
                return namespace is vars(module)
    return _is_from(finder, module, thing)


doctest.DocTestFinder._from_module = _from_module
