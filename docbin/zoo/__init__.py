"""The zoo: trained models as folders of data, read and checked, and the runtimes that run them."""
