// Measures a document from its start. `probe.take()` returns the figures.
window.probe = (() => {
  const zero = () => ({
    frames: 0, longestFrame: 0, longTasks: 0, longTaskTime: 0, longestTask: 0,
    inputs: 0, inputDelay: 0, longestInput: 0, longestLag: 0,
    longestEvent: 0, largestEvent: 0, longestDraw: 0,
  });
  let now = zero();
  let since = performance.now();
  let memory = null;
  const marks = { live: null, started: null, firstMessage: null };

  const nextFrame = requestAnimationFrame.bind(window);
  let before = performance.now();
  const frame = (at) => {
    now.frames += 1;
    now.longestFrame = Math.max(now.longestFrame, at - before);
    before = at;
    nextFrame(frame);
  };
  nextFrame(frame);

  const count = (tasks) => {
    for (const task of tasks) {
      now.longTasks += 1;
      now.longTaskTime += task.duration;
      now.longestTask = Math.max(now.longestTask, task.duration);
    }
  };
  const tasks = new PerformanceObserver((list) => count(list.getEntries()));
  tasks.observe({ entryTypes: ["longtask"] });

  // The delay from the system's event to the first listener, caused by a busy page.
  addEventListener("mousemove", (event) => {
    const delay = performance.now() - event.timeStamp;
    now.inputs += 1;
    now.inputDelay += delay;
    now.longestInput = Math.max(now.longestInput, delay);
  }, true);

  // The page's own work: handling an event of its socket, and drawing before a frame.
  const timed = (name, call) => {
    const start = performance.now();
    call();
    now[name] = Math.max(now[name], performance.now() - start);
  };
  const socket = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    ...socket,
    set(call) {
      socket.set.call(this, call && ((event) => {
        now.largestEvent = Math.max(now.largestEvent, event.data.byteLength ?? event.data.length);
        timed("longestEvent", () => call.call(this, event));
      }));
    },
  });
  window.requestAnimationFrame = (call) => nextFrame((at) => timed("longestDraw", () => call(at)));

  const period = 20;
  let due = performance.now() + period;
  setInterval(() => {
    const at = performance.now();
    now.longestLag = Math.max(now.longestLag, at - due);
    due = at + period;
  }, period);

  for (const name of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...given) => {
      const made = await original.apply(WebAssembly, given);
      memory = (made.instance ?? made).exports.memory;
      return made;
    };
  }

  const figure = (name) => Number(document.querySelector(`[data-figure=${name}]`)?.textContent.replaceAll(",", "") ?? 0);
  const mark = (name, isReached) => {
    if (marks[name] === null && isReached()) marks[name] = performance.now();
  };
  new MutationObserver((_, observer) => {
    mark("started", () => document.documentElement.hasAttribute("data-started"));
    mark("live", () => document.querySelector(".connection[data-state=live]"));
    mark("firstMessage", () => figure("received") + figure("accepted") > 0);
    if (!Object.values(marks).includes(null)) observer.disconnect();
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });

  return {
    take() {
      count(tasks.takeRecords());
      const taken = {
        ...now,
        milliseconds: performance.now() - since,
        received: figure("received"),
        missed: figure("missed"),
        wasmBytes: memory?.buffer.byteLength ?? 0,
        isVisible: document.visibilityState === "visible",
      };
      now = zero();
      since = performance.now();
      return taken;
    },
    start() {
      const [paint] = performance.getEntriesByName("first-contentful-paint");
      const files = performance.getEntriesByType("resource");
      return {
        paint: paint?.startTime ?? null,
        ...marks,
        bytes: files.reduce((sum, file) => sum + file.transferSize, 0),
      };
    },
  };
})();
