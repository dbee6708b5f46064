// The demo's own controls: what Gradio's cannot do with a keyboard, without loss, or with a choice that is greyed.
// Each function fills one gr.HTML component; Gradio calls it once with the component's element and its props (value and data from the server), and
// watch() tells when the server has sent another value. All text from outside goes in by textContent.
"use strict";
(() => {
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") node.textContent = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter(Boolean));
    return node;
  };
  let last = 0;
  const fresh = (word) => `docbin-${word}-${++last}`;
  const address = (file) => new URL(file.url, document.baseURI).href;
  const families = (table) => [...new Set(table.map((row) => row.family))];
  const label = (row) => row.label || row.name;
  const lack = (row) => (row.needs?.startsWith("docbin[") ? `needs pip install '${row.needs}'` : `needs ${row.needs}`);

  // --- one method and its settings: props.value = {method, params}, props.table = the rows of `docbin methods` ---------------------------------
  function chooser(element, props) {
    const root = element.querySelector(".docbin-chooser");
    const id = fresh("method");
    const select = make("select", { id, "aria-describedby": `${id}-help` });
    const help = make("p", { id: `${id}-help`, class: "help", "aria-live": "polite" });
    const settings = make("div", { class: "settings" });
    for (const family of families(props.table)) {
      const group = make("optgroup", { label: capital(family) });
      for (const row of props.table.filter((one) => one.family === family)) {
        const mark = props.mark && row.name === props.usual ? " (default)" : row.available ? "" : ` – ${lack(row)}`;
        group.append(make("option", { value: row.name, disabled: !row.available, text: label(row) + mark }));
      }
      select.append(group);
    }
    const missing = props.table.filter((row) => !row.available);
    const more = missing.length
      ? make("p", { class: "help", text: `Greyed in the list: ${missing.map((row) => `${label(row)} ${lack(row)}`).join("; ")}.` })
      : null;
    root.append(make("label", { for: id, class: "name", text: props.label }), select, help, settings, more || "");

    const chosen = () => props.table.find((row) => row.name === select.value);
    const tell = () => {
      const params = {};
      for (const field of settings.querySelectorAll("[data-param]"))
        params[field.dataset.param] = field.type === "checkbox" ? field.checked : field.type === "number" ? field.valueAsNumber : field.value;
      for (const name of Object.keys(params)) if (Number.isNaN(params[name])) delete params[name];
      props.value = { method: select.value, params };
    };
    const show = () => {
      const row = chosen();
      help.replaceChildren(make("span", { text: sentence(row.summary) }), row.citation ? make("cite", { text: row.citation }) : "");
      settings.replaceChildren(...row.params.map((param) => field(param, tell)));
      if (row.params.length)
        settings.append(make("button", { type: "button", class: "plain", text: "Reset the settings", onclick: () => (show(), tell()) }));
    };
    select.addEventListener("change", () => (show(), tell()));
    select.value = props.value.method;
    show();
    tell();
  }

  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const sentence = (text) => (text ? capital(text) + (/[.!?]$/.test(text) ? "" : ".") : "");

  function range(param) {
    if (param.choices?.length) return "";
    if (param.min === null && param.max === null) return "";
    if (param.max === null) return `from ${param.min}`;
    if (param.min === null) return `up to ${param.max}`;
    return `${param.min} to ${param.max}${param.odd ? ", odd" : ""}`;
  }

  function field(param, tell) {
    const id = fresh("setting");
    const common = { id, "data-param": param.name, "aria-describedby": `${id}-help`, oninput: tell };
    let input;
    if (typeof param.default === "boolean") input = make("input", { ...common, type: "checkbox", checked: param.default });
    else if (param.choices?.length) {
      input = make("select", common, ...param.choices.map((choice) => make("option", { value: choice, text: choice })));
      input.value = param.default;
    } else {
      input = make("input", { ...common, type: "number", inputmode: "decimal", min: param.min, max: param.max, step: param.step, value: param.default });
    }
    const told = [sentence(param.help), range(param) && `${capital(range(param))}.`].filter(Boolean).join(" ");
    return make("div", { class: "setting" }, make("label", { for: id, text: param.name }), input, make("p", { id: `${id}-help`, class: "help", text: told }));
  }

  // --- several methods: props.value = [names], at most props.most -------------------------------------------------------------------------------
  function picker(element, props) {
    const root = element.querySelector(".docbin-picker");
    const count = make("p", { class: "help", "aria-live": "polite" });
    const boxes = [];
    const tell = () => {
      const names = boxes.filter((box) => box.checked).map((box) => box.value);
      for (const box of boxes) box.disabled = box.dataset.missing === "1" || (!box.checked && names.length >= props.most);
      count.textContent = `${names.length} of at most ${props.most} methods chosen.`;
      props.value = names;
    };
    for (const family of families(props.table)) {
      const set = make("fieldset", { class: props.table.filter((one) => one.family === family).length > 6 ? "many" : "" }, make("legend", { text: capital(family) }));
      for (const row of props.table.filter((one) => one.family === family)) {
        const id = fresh("pick");
        const box = make("input", { id, type: "checkbox", value: row.name, onchange: tell, "data-missing": row.available ? "0" : "1" });
        box.checked = props.value.includes(row.name);
        boxes.push(box);
        const text = row.available ? row.name : `${row.name} – ${lack(row)}`;
        set.append(make("label", { for: id, class: row.available ? "" : "missing", title: row.summary }, box, make("span", { text })));
      }
      root.append(set);
    }
    root.append(count);
    tell();
  }

  // --- the shipped pages as buttons; props.samples = [{name, title, picture}] -------------------------------------------------------------------
  function samples(element, props, watch, trigger) {
    const root = element.querySelector(".docbin-samples");
    const buttons = props.samples.map((sample) =>
      make(
        "button",
        { type: "button", title: sample.title, onclick: () => trigger("input", { name: sample.name }) },
        make("img", { src: sample.picture, alt: "" }),
        make("span", { text: sample.title }),
      ),
    );
    root.append(...buttons);
  }

  // On a phone a result is below what was pressed; nobody should have to look for it.
  function arrived(root) {
    if (window.innerWidth <= 700 && root.offsetParent) root.scrollIntoView({ block: "start" });
  }

  function nothing(root, value, props) {
    const said = value?.error ? make("p", { class: "wrong", role: "alert", text: value.error }) : make("p", { class: "empty", text: props.empty });
    root.replaceChildren(said);
    if (value?.error) arrived(root);
  }

  // --- zoom: buttons that scale every .docbin-scaled below `root`, and scroll its stages together -----------------------------------------------
  const ZOOMS = [["width", "Fit"], ["1", "100 %"], ["2", "200 %"], ["4", "400 %"]];

  function zoomBar(root, after) {
    const bar = make("div", { class: "bar", role: "group", "aria-label": "Zoom" });
    const set = (zoom) => {
      for (const button of bar.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.zoom === zoom));
      for (const scaled of root.querySelectorAll(".docbin-scaled")) {
        scaled.style.width = zoom === "width" ? "100%" : `${Math.round(Number(scaled.dataset.width) * Number(zoom))}px`;
        scaled.classList.toggle("large", Number(zoom) >= 2);
      }
      after();
    };
    for (const [zoom, text] of ZOOMS) bar.append(make("button", { type: "button", "data-zoom": zoom, text, onclick: () => set(zoom) }));
    return [bar, set];
  }

  // --- page and ink under one slider; props.value = {before, after, width, height, note} or {error} --------------------------------------------------------
  function slider(element, props, watch) {
    const root = element.querySelector(".docbin-slider");
    const show = () => {
      const value = props.value;
      if (!value?.after) return nothing(root, value, props);
      const id = fresh("slider");
      const size = { width: value.width, height: value.height, draggable: "false" };
      const before = make("img", { ...size, class: "before", src: address(value.before), alt: "The page before" });
      const after = make("img", { ...size, src: address(value.after), alt: "The ink on white paper" });
      const line = make("div", { class: "line", "aria-hidden": "true" });
      const scaled = make("div", { class: "docbin-scaled", "data-width": value.width }, after, before);
      const stage = make("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Page and ink; scroll with the arrow keys" }, scaled);
      const input = make("input", { id, type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": "How much of the page covers its ink, from the left" });
      const cover = () => {
        const at = stage.scrollLeft + (stage.clientWidth * input.value) / 100;
        before.style.clipPath = `inset(0 ${Math.max(0, scaled.clientWidth - at)}px 0 0)`;
        line.style.left = `${input.value}%`;
      };
      const drag = (event) => {
        const box = stage.getBoundingClientRect();
        input.value = Math.round((100 * (event.clientX - box.left)) / stage.clientWidth);
        cover();
      };
      line.addEventListener("pointerdown", (event) => (line.setPointerCapture(event.pointerId), event.preventDefault()));
      line.addEventListener("pointermove", (event) => line.hasPointerCapture(event.pointerId) && drag(event));
      input.addEventListener("input", cover);
      stage.addEventListener("scroll", cover);
      new ResizeObserver(cover).observe(stage);
      const [bar, zoom] = zoomBar(root, () => requestAnimationFrame(cover));
      bar.append(make("label", { class: "ends", for: id }, make("span", { text: "page" }), input, make("span", { text: "ink" })));
      root.replaceChildren(bar, make("div", { class: "frame" }, stage, line), make("p", { class: "help", text: value.note || "" }));
      zoom("width");
      arrived(root);
    };
    watch("value", show);
    show();
  }

  // --- pictures side by side that scroll together; props.value = {panels: [{title, lines, picture, alt, width, error}], legend, note} or {error} -
  function sheet(element, props, watch) {
    const root = element.querySelector(".docbin-sheet");
    const show = () => {
      const value = props.value;
      if (!value?.panels) return nothing(root, value, props);
      const stages = [];
      let leading = null;
      const follow = (event) => {
        if (leading && leading !== event.target) return;
        leading = event.target;
        for (const other of stages)
          if (other !== leading) {
            other.scrollLeft = leading.scrollLeft;
            other.scrollTop = leading.scrollTop;
          }
        clearTimeout(follow.timer);
        follow.timer = setTimeout(() => (leading = null), 120);
      };
      const grid = make("div", { class: `grid ${value.small ? "small" : value.panels.length === 4 ? "four" : ""}` });
      for (const panel of value.panels) {
        const caption = make("figcaption", {}, make("strong", { text: panel.title }), ...(panel.lines || []).map((text) => make("span", { text })));
        if (panel.error) {
          grid.append(make("figure", {}, caption, make("p", { class: "wrong", text: panel.error })));
          continue;
        }
        const picture = make("img", { src: address(panel.picture), alt: panel.alt || panel.title, draggable: "false" });
        const stage = make("div", { class: "stage", tabindex: "0", role: "group", "aria-label": `${panel.title}; scroll with the arrow keys` });
        stage.append(make("div", { class: "docbin-scaled", "data-width": panel.width }, picture));
        picture.addEventListener("load", () => (stage.firstChild.dataset.width = picture.naturalWidth), { once: true });
        stage.addEventListener("scroll", follow);
        stages.push(stage);
        grid.append(make("figure", {}, caption, stage));
      }
      const [bar, zoom] = zoomBar(root, () => {});
      root.replaceChildren(bar, legend(value.legend), make("p", { class: "help", text: value.note || "" }), grid);
      zoom("width");
      arrived(root);
    };
    watch("value", show);
    show();
  }

  function legend(told) {
    if (!told) return "";
    if (told.kind === "keys")
      return make(
        "ul",
        { class: "keys", "aria-label": "Legend" },
        ...told.keys.map(([colour, name]) => make("li", {}, make("span", { class: "key", style: `background:${colour}` }), make("span", { text: name }))),
      );
    const bar = make("span", { class: "scale", style: `background:linear-gradient(90deg, ${told.colours.join(", ")})`, "aria-hidden": "true" });
    return make("p", { class: "keys", "aria-label": "Legend" }, make("span", { text: told.low }), bar, make("span", { text: `${told.high} (${told.unit})` }));
  }

  // What a point of the benchmarks' picture says is shown above all points: SVG has no other order than that of its elements.
  function says(event) {
    const point = event.target.closest?.("svg.plot g.point");
    for (const said of document.querySelectorAll("svg.plot > .said")) said.remove();
    if (!point) return;
    const said = point.querySelector(".told").cloneNode(true);
    said.setAttribute("class", "said");
    said.setAttribute("transform", point.getAttribute("transform"));
    said.setAttribute("aria-hidden", "true");
    point.ownerSVGElement.append(said);
  }
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, says);

  window.docbin = { chooser, picker, samples, slider, sheet };
})();
