// The count of waiting tasks in the title and the menu, and a short sound when one more arrives.

const quietKey = "marshrut-quiet";

export function startBell(): EventSource | undefined {
  const address = document.body.dataset.events;
  if (!address) return undefined;
  let open = Number(document.body.dataset.open ?? 0);
  let known = -1; // unread notices; the first answer says how many there were
  const title = document.title.replace(/^\(\d+\)\s*/, "");
  const source = new EventSource(address);
  source.addEventListener("tasks", (event) => {
    const { open: now, late, news } = JSON.parse(event.data) as { open: number; late: number; news: number };
    if ((now > open || (known >= 0 && news > known)) && localStorage.getItem(quietKey) === null) chime();
    if (now !== open || (known >= 0 && news !== known)) refreshList();
    open = now;
    known = news;
    document.title = open > 0 ? `(${open}) ${title}` : title;
    for (const count of document.querySelectorAll<HTMLElement>("[data-task-count]")) {
      count.textContent = String(open);
      count.hidden = open === 0;
      count.classList.toggle("alarm", late > 0);
    }
  });
  startMute();
  return source;
}

// The list of tasks is fetched anew, unless the person is typing in it.
function refreshList(): void {
  const list = document.querySelector<HTMLElement>("[data-live]");
  if (!list?.dataset.live || list.contains(document.activeElement)) return;
  void fetch(list.dataset.live, { headers: { "X-Part": "list" } })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(String(answer.status)))))
    .then((html) => {
      list.innerHTML = html;
    })
    .catch(() => undefined); // the next ring tries again
}

// Two soft notes. Browsers allow sound only after the person has touched the page.
function chime(): void {
  const audio = new AudioContext();
  if (audio.state === "suspended") {
    void audio.close();
    return;
  }
  [660, 880].forEach((frequency, i) => {
    const at = audio.currentTime + i * 0.14;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.12, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.4);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.45);
  });
  window.setTimeout(() => void audio.close(), 1000);
}

function startMute(): void {
  const toggle = document.querySelector<HTMLInputElement>("[data-mute]");
  if (!toggle) return;
  toggle.hidden = false;
  toggle.closest<HTMLElement>("[hidden]")?.removeAttribute("hidden");
  toggle.checked = localStorage.getItem(quietKey) === null;
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.removeItem(quietKey);
    else localStorage.setItem(quietKey, "1");
  });
}
