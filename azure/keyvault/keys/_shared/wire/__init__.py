"""Operations to requests, answers to results, vault URLs and key identifiers, API versions. No I/O.

Stands on the generated layer only. Facades, models and the other rooms may import it.
"""
