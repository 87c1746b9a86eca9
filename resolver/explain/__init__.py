"""Explaining a proof: step by step in words, and as a picture. All of it pure.

bundle -> zonedata.judgement.hear -> zonedata.account -> chain, spoken -> sections -> text
                                                      -> boxes -> layout -> svg
"""
