"""What is secret, and how it is taken out of everything that is written or shown: the one place that knows.

`names` judges names and values, `values` finds the secrets in data, `shapes` hides what is a secret by its form (the
user information of a URL, a header), `redactor` hides known values in each of their spellings. No module here reads a
file or a setting: whoever knows a secret hands it over.
"""
