"""The families of op cases: each is a function that gives its list of cases."""

from . import activation, elementwise, indexing, linear_algebra, network, reduction, shape

FAMILIES = {
    "unary": elementwise.unary_cases,
    "binary": elementwise.binary_cases,
    "combined": elementwise.combined_cases,
    "activation": activation.cases,
    "reduction": reduction.reduction_cases,
    "scan": reduction.scan_cases,
    "sorting": reduction.sorting_cases,
    "shape": shape.shape_cases,
    "joining": shape.joining_cases,
    "creation": shape.creation_cases,
    "indexing": indexing.indexing_cases,
    "gathering": indexing.gathering_cases,
    "products": linear_algebra.product_cases,
    "convolution": linear_algebra.convolution_cases,
    "pooling": network.pooling_cases,
    "normalization": network.normalization_cases,
    "loss": network.loss_cases,
}
