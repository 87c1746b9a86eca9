"""Explaining a proof: step by step in words, and as a picture. All of it pure.

bundle -> zonedata.judgement.hear -> zonedata.account -> sections -> text | document
                                                      -> boxes -> layout -> svg
"""
