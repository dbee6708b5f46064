"""The zoo: descriptors of benchmarks (:mod:`docbin.zoo.benchmarks`) and of models, read from data folders and validated."""
