"""The HTML report: one static file made from records; no torch, no network, no framework.

`build.build_report` gathers a `model.Report` from tables, records, comparisons and figures;
`render.render_report` prints it. The model holds plain text: only `render` knows HTML.
"""
