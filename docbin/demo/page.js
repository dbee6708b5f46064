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

  // --- results and what they were made of: a result is greyed as soon as a setting of its group, or the page, is another ------------------------
  // Every value of a chooser carries the group's number at that moment, the server sends it back with the result, and only a result that has the
  // newest number is shown as one. "group" is the tab.
  const groups = new Map(); // group -> {serial, listeners: [functions that send the value anew]}
  const group = (name) => groups.get(name) || groups.set(name, { serial: 0, listeners: [] }).get(name);
  const results = (name) => document.querySelectorAll(`[data-docbin-result="${name}"], .docbin-result-${name}`);
  function stale(name) {
    group(name).serial++;
    for (const node of results(name)) {
      node.classList.add("docbin-stale");
      node.inert = true;
    }
  }
  function current(name, value) {
    if (!name || (value?.serial ?? 0) !== group(name).serial) return;
    for (const node of results(name)) {
      node.classList.remove("docbin-stale");
      node.inert = false;
    }
  }
  function changed(name) {
    stale(name);
    for (const tell of group(name).listeners) tell();
  }
  function pageChanged() {
    for (const name of groups.keys()) changed(name);
  }
  for (const kind of ["change", "drop"])
    document.addEventListener(
      kind,
      (event) => {
        if (event.target.closest?.("#docbin-upload, #docbin-number")) pageChanged();
        if (event.target.closest?.("#docbin-truth")) changed("compare");
        if (event.target.closest?.("#docbin-files, #docbin-format")) changed("documents");
      },
      true,
    );

  // --- one method and its settings: props.value = {method, params}, props.table = the rows of `docbin methods` ---------------------------------
  function chooser(element, props, watch, trigger) {
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
        params[field.dataset.param] = field.type === "checkbox" ? field.checked : ["number", "range"].includes(field.type) ? field.valueAsNumber : field.value;
      for (const name of Object.keys(params)) if (Number.isNaN(params[name])) delete params[name];
      props.value = { method: select.value, params, serial: group(props.group).serial };
    };
    group(props.group).listeners.push(tell);
    let timer = 0;
    const altered = (wait) => {
      stale(props.group);
      tell();
      if (!props.live) return;
      clearTimeout(timer);
      timer = setTimeout(() => trigger("input"), chosen().quick ? Math.min(wait, 250) : wait + 600);
    };
    const show = () => {
      const row = chosen();
      help.replaceChildren(make("span", { text: sentence(row.summary) }), row.citation ? make("cite", { text: row.citation }) : "");
      settings.replaceChildren(...row.params.map((param) => field(param, () => altered(250))));
      if (row.params.length)
        settings.append(make("button", { type: "button", class: "plain", text: "Reset the settings", onclick: () => (show(), altered(0)) }));
    };
    select.addEventListener("change", () => (show(), altered(0)));
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
    } else if (param.slider) {
      const said = make("output", { for: id, text: param.default });
      const moved = () => ((said.textContent = input.value), tell());
      input = make("input", { ...common, oninput: moved, type: "range", min: param.min, max: param.max, step: param.step, value: param.default });
      return make("div", { class: "setting" }, make("label", { for: id, text: param.label }), make("div", { class: "slide" }, input, said), settingHelp(param, id));
    } else {
      input = make("input", { ...common, type: "number", inputmode: "decimal", min: param.min, max: param.max, step: param.step, value: param.default });
    }
    return make("div", { class: "setting" }, make("label", { for: id, text: param.label }), input, settingHelp(param, id));
  }

  const settingHelp = (param, id) =>
    make("p", {
      id: `${id}-help`,
      class: "help",
      text: [sentence(param.help), !param.slider && range(param) && `${capital(range(param))}.`].filter(Boolean).join(" "),
    });

  // --- several methods: props.value = [names], at most props.most -------------------------------------------------------------------------------
  function picker(element, props) {
    const root = element.querySelector(".docbin-picker");
    const count = make("p", { class: "help", "aria-live": "polite" });
    const boxes = [];
    const tell = () => {
      const names = boxes.filter((box) => box.checked).map((box) => box.value);
      for (const box of boxes) box.disabled = box.dataset.missing === "1" || (!box.checked && names.length >= props.most);
      count.textContent = `${names.length} of at most ${props.most} methods chosen.`;
      props.value = { names, serial: group("compare").serial };
    };
    group("compare").listeners.push(tell);
    for (const family of families(props.table)) {
      const set = make("fieldset", { class: props.table.filter((one) => one.family === family).length > 6 ? "many" : "" }, make("legend", { text: capital(family) }));
      for (const row of props.table.filter((one) => one.family === family)) {
        const id = fresh("pick");
        const box = make("input", { id, type: "checkbox", value: row.name, onchange: () => changed("compare"), "data-missing": row.available ? "0" : "1" });
        box.checked = props.value.names.includes(row.name);
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
        { type: "button", title: sample.title, onclick: () => (pageChanged(), trigger("input", { name: sample.name })) },
        make("img", { src: sample.picture, alt: "" }),
        make("span", { text: sample.title }),
      ),
    );
    root.append(...buttons);
  }

  // On a phone a result is below what was pressed; nobody should have to look for it.
  function arrived(root) {
    if (window.innerWidth <= 700 && root.offsetParent && navigator.userActivation?.hasBeenActive !== false) root.scrollIntoView({ block: "start" });
  }

  function nothing(root, value, props) {
    current(props.group, value);
    const said = value?.error ? make("p", { class: "wrong", role: "alert", text: value.error }) : make("p", { class: "empty", text: props.empty });
    root.replaceChildren(said);
    if (value?.error) arrived(root);
  }

  // --- zoom: every stage below `root` shows its picture at one scale (screen pixels a picture pixel); buttons, wheel, pinch and drag change what is
  // seen, and the point under the pointer, or in the middle, stays where it is ----------------------------------------------------------------------
  const ZOOMS = [["fit", "Fit"], ["1", "100 %"], ["2", "200 %"], ["4", "400 %"]];
  const LARGEST = 8;

  function zoomBar(root, after) {
    const bar = make("div", { class: "bar", role: "group", "aria-label": "Zoom" });
    let zoom = "fit";
    const stages = () => [...root.querySelectorAll(".stage")];
    const natural = (stage) => [Number(stage.firstChild.dataset.width) || 1, Number(stage.firstChild.dataset.height) || 1];
    const room = (stage) => parseFloat(getComputedStyle(stage).maxHeight) || 480;
    const fit = (stage) => {
      const [width, height] = natural(stage);
      return Math.min(stage.clientWidth / width, (room(stage) - 2) / height, 3);
    };
    const scale = (stage) => (zoom === "fit" ? fit(stage) : zoom);
    const draw = () => {
      for (const stage of stages()) {
        const [width, height] = natural(stage);
        const by = scale(stage);
        Object.assign(stage.firstChild.style, { width: `${width * by}px`, height: `${height * by}px` });
        stage.firstChild.classList.toggle("large", by >= 2);
        stage.classList.toggle("pans", width * by > stage.clientWidth + 1 || height * by > stage.clientHeight + 1);
      }
      for (const button of bar.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.zoom === String(zoom)));
      after();
    };
    // The picture's point (x, y) of the stage's box, as shares of the picture, is there again afterwards.
    const set = (wanted, stage = stages()[0], x = (stage?.clientWidth || 0) / 2, y = (stage?.clientHeight || 0) / 2) => {
      if (!stage) return;
      const inner = stage.firstChild;
      const share = [(stage.scrollLeft + x - inner.offsetLeft) / (inner.offsetWidth || 1), (stage.scrollTop + y - inner.offsetTop) / (inner.offsetHeight || 1)];
      zoom = wanted;
      draw();
      stage.scrollLeft = inner.offsetLeft + share[0] * inner.offsetWidth - x;
      stage.scrollTop = inner.offsetTop + share[1] * inner.offsetHeight - y;
    };
    const by = (factor, stage, x, y) => {
      const least = fit(stage);
      const next = Math.min(LARGEST, scale(stage) * factor);
      set(next <= least * 1.001 ? "fit" : next, stage, x, y);
    };
    const at = (stage, event) => {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
    };
    const bind = (stage) => {
      stage.addEventListener(
        "wheel",
        (event) => {
          if (event.shiftKey || (zoom === "fit" && event.deltaY > 0 && !event.ctrlKey)) return; // the page scrolls on
          event.preventDefault();
          by(Math.exp(-Math.sign(event.deltaY) * Math.min(0.25, Math.abs(event.deltaY) / 400 + 0.02)), stage, ...at(stage, event));
        },
        { passive: false },
      );
      stage.addEventListener("pointerdown", (event) => {
        if (event.pointerType !== "mouse" || event.button !== 0 || !stage.classList.contains("pans")) return;
        const [left, top] = [stage.scrollLeft + event.clientX, stage.scrollTop + event.clientY];
        const box = stage.getBoundingClientRect();
        if (event.clientX > box.left + stage.clientWidth || event.clientY > box.top + stage.clientHeight) return; // its scroll bar
        stage.setPointerCapture(event.pointerId);
        stage.classList.add("panning");
        const move = (now) => ((stage.scrollLeft = left - now.clientX), (stage.scrollTop = top - now.clientY));
        const up = () => (stage.removeEventListener("pointermove", move), stage.classList.remove("panning"));
        stage.addEventListener("pointermove", move);
        for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, up, { once: true });
      });
      let pinch = 0;
      const spread = (touches) => Math.hypot(touches[0].clientX - touches[1].clientX, touches[0].clientY - touches[1].clientY);
      const middle = ([one, two]) => ({ clientX: (one.clientX + two.clientX) / 2, clientY: (one.clientY + two.clientY) / 2 });
      stage.addEventListener("touchstart", (event) => (pinch = event.touches.length === 2 ? spread(event.touches) : 0), { passive: true });
      stage.addEventListener(
        "touchmove",
        (event) => {
          if (event.touches.length !== 2 || !pinch) return;
          event.preventDefault();
          const now = spread(event.touches);
          by(now / pinch, stage, ...at(stage, middle(event.touches)));
          pinch = now;
        },
        { passive: false },
      );
    };
    for (const [name, text] of ZOOMS) bar.append(make("button", { type: "button", "data-zoom": name, text, onclick: () => set(name === "fit" ? name : Number(name)) }));
    const begin = () => {
      stages().forEach(bind);
      draw();
      const watched = new ResizeObserver(draw);
      stages().forEach((stage) => watched.observe(stage));
    };
    return [bar, begin, draw];
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
      const scaled = make("div", { class: "docbin-scaled", "data-width": value.width, "data-height": value.height }, after, before);
      const stage = make("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Page and ink; scroll with the arrow keys" }, scaled);
      const input = make("input", { id, type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": "How much of the page covers its ink, from the left" });
      const cover = () => {
        const at = stage.scrollLeft + (stage.clientWidth * input.value) / 100 - scaled.offsetLeft;
        before.style.clipPath = `inset(0 ${Math.min(scaled.clientWidth, Math.max(0, scaled.clientWidth - at))}px 0 0)`;
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
      const [bar, begin] = zoomBar(root, cover);
      bar.append(make("label", { class: "ends", for: id }, make("span", { text: "page" }), input, make("span", { text: "ink" })));
      root.replaceChildren(bar, make("div", { class: "frame" }, stage, line), make("p", { class: "help", text: value.note || "" }));
      begin();
      current(props.group, value);
      if (!value.quiet) arrived(root);
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
      const [bar, begin, redraw] = zoomBar(root, () => {});
      const grid = make("div", { class: `grid ${value.small ? "small" : value.panels.length === 4 ? "four" : ""}` });
      for (const panel of value.panels) {
        const caption = make("figcaption", {}, make("strong", { text: panel.title }), ...(panel.lines || []).map((text) => make("span", { text })));
        if (panel.error) {
          grid.append(make("figure", {}, caption, make("p", { class: "wrong", text: panel.error })));
          continue;
        }
        const picture = make("img", { src: address(panel.picture), alt: panel.alt || panel.title, draggable: "false" });
        const stage = make("div", { class: "stage", tabindex: "0", role: "group", "aria-label": `${panel.title}; scroll with the arrow keys` });
        stage.append(make("div", { class: "docbin-scaled" }, picture));
        picture.addEventListener(
          "load",
          () => (Object.assign(stage.firstChild.dataset, { width: picture.naturalWidth, height: picture.naturalHeight }), redraw()),
          { once: true },
        );
        stage.addEventListener("scroll", follow);
        stages.push(stage);
        grid.append(make("figure", {}, caption, stage));
      }
      root.replaceChildren(bar, legend(value.legend), make("p", { class: "help", text: value.note || "" }), grid);
      begin();
      current(props.group, value);
      arrived(root);
    };
    watch("value", show);
    show();
  }

  function legend(data) {
    if (!data) return "";
    if (data.kind === "keys")
      return make(
        "ul",
        { class: "keys", "aria-label": "Legend" },
        ...data.keys.map(([colour, name]) => make("li", {}, make("span", { class: "key", style: `background:${colour}` }), make("span", { text: name }))),
      );
    const bar = make("span", { class: "scale", style: `background:linear-gradient(90deg, ${data.colours.join(", ")})`, "aria-hidden": "true" });
    return make("p", { class: "keys", "aria-label": "Legend" }, make("span", { text: data.low }), bar, make("span", { text: `${data.high} (${data.unit})` }));
  }

  // What a point of the benchmarks' picture says is shown above all points: SVG has no other order than that of its elements.
  function says(event) {
    const point = event.target.closest?.("svg.plot g.point");
    for (const said of document.querySelectorAll("svg.plot > .said")) said.remove();
    if (!point) return;
    const said = point.querySelector(".details").cloneNode(true);
    said.setAttribute("class", "said");
    said.setAttribute("transform", point.getAttribute("transform"));
    said.setAttribute("aria-hidden", "true");
    point.ownerSVGElement.append(said);
  }
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, says);

  // --- a document's way: props.value = {done, expected, says, serial, running, rows: [[file, what became of it]], error} ----------------------------------
  function progress(element, props, watch) {
    const root = element.querySelector(".docbin-progress");
    const show = () => {
      const value = props.value;
      if (!value?.says) return nothing(root, value, props);
      const bar = make("progress", { max: Math.max(1, value.expected), value: value.done, "aria-label": "Pages done" });
      const rows = (value.rows || []).map(([name, text]) => make("li", {}, make("strong", { text: name }), ` ${text}`));
      root.replaceChildren(bar, make("p", { class: "says", role: "status", text: value.says }), rows.length ? make("ul", { class: "files" }, ...rows) : "");
      current(props.group, value);
    };
    watch("value", show);
    show();
  }

  window.docbin = { chooser, picker, samples, slider, sheet, progress };
})();
