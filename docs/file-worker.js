// Search where the site is opened from a disk (file://): browsers start no Worker there, so its script runs in a hidden frame with the same interface.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      const started = new Promise((resolve) => { inside.addEventListener("docbin-started", resolve, { once: true }); });
      addEventListener("message", (event) => {
        if (event.source !== inside) return;
        const told = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(told);
        if (this.onmessage) this.onmessage(told);
      });
      this.postMessage = (data) => { started.then(() => inside.dispatchEvent(new MessageEvent("message", { data }))); };
      this.terminate = () => frame.remove();
      inside.postMessage = (data) => parent.setTimeout(() => dispatchEvent(new MessageEvent("message", { data, source: inside })));
      inside.importScripts = (...addresses) => addresses.reduce(
        (before, one) => before.then(() => new Promise((resolve, reject) => {
          const script = inside.document.createElement("script");
          Object.assign(script, { src: one, onload: resolve, onerror: reject });
          inside.document.body.append(script);
        })),
        Promise.resolve(),
      );
      inside.importScripts(new URL(address, document.baseURI).href).then(() => inside.dispatchEvent(new Event("docbin-started")));
    }
  };
}
