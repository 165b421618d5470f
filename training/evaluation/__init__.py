"""Measures segmenters on labelled images, through one small interface, without torch.

``segmenters`` (and ``baselines``) answer clicks, ``scenes`` finds images,
``protocols`` click, ``scores`` judge, ``cache`` keeps what was measured, ``tallies``
and ``bootstrap`` average it, ``speed`` takes time and memory, ``report`` lays out.
"""
