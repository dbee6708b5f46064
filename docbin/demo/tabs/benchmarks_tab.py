"""The tab "Benchmarks": the scores that came with docbin, drawn and listed."""

from __future__ import annotations

from docbin import catalogue
from docbin.demo import parts, plot
from docbin.demo.tabs.events import light


def benchmarks_tab() -> None:
    """The tab's components and events."""
    import gradio as gr

    from docbin.benchmarks import shipped_scores

    shipped = shipped_scores.shipped()
    families = {row.name: row.family for row in catalogue.METHODS.values()}
    datasets = [plot.ALL, *dict.fromkeys(row.dataset for row in shipped)]
    without = ", ".join(name for name in families if name not in {row.method for row in shipped})
    parts.html(
        '<p class="help">The methods with their default settings on the pages of the DIBCO contests. No method was trained on these years. '
        "Times are of one machine that was busy with other things as well: they tell fast from slow, no more.</p>"
    )
    with gr.Row():
        dataset = gr.Dropdown(datasets, value=plot.ALL, label="Pages", info="One contest, or the mean of all.")
        measure = gr.Dropdown(
            [(name, key) for key, (name, _, _) in plot.MEASURES.items()], value="fm", label="Score", info="What the picture shows upwards."
        )

    def drawn(name: str, key: str) -> str:
        if name not in datasets or key not in plot.MEASURES:
            return parts.framed(parts.wrong("There are no such scores."))
        shown = plot.points(shipped, name, families)
        caption = (
            f"Means over the pages of {name}, by docbin evaluate, as in BENCHMARKS.md; pFM is the pseudo-F-measure, and the best is bold."
        )
        caption += f" Not timed yet: {without}." if without else ""
        pictures = "".join(f'<div class="{shape.name}">{plot.plot(shown, key, shape)}</div>' for shape in plot.SHAPES)
        return parts.framed(pictures + plot.table(shown, key, caption))

    picture = parts.html()
    picture.value = drawn(plot.ALL, "fm")
    for choice in (dataset, measure):
        choice.change(drawn, [dataset, measure], picture, **light())
