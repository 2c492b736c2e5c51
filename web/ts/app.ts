// The little that pages do in the browser. Everything here is an addition: without it the pages work as plain forms.
import { startBell } from "./bell";
import { startCalls } from "./calls";
import { startKeys } from "./keys";

const bell = startBell();
if (bell) startCalls(bell);
startKeys();

// A route map begins where the work is.
for (const box of document.querySelectorAll<HTMLElement>(".flowmap-box")) {
  const here = box.querySelector(".fm-element.current, .fm-element.trouble");
  if (!here) continue;
  const [frame, place] = [box.getBoundingClientRect(), here.getBoundingClientRect()];
  box.scrollLeft += place.left - frame.left - (frame.width - place.width) / 2;
  box.scrollTop += place.top - frame.top - (frame.height - place.height) / 2;
}

// A filter is sent as soon as it is chosen.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (field instanceof HTMLSelectElement && field.dataset.submit !== undefined) field.form?.requestSubmit();
});

// A form is sent once, however often the button is clicked.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post") return;
  if (event.defaultPrevented) return;
  if (form.dataset.sent !== undefined) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "";
  window.setTimeout(() => delete form.dataset.sent, 4000);
});

// Buttons that only a script can serve are hidden until it is here.
for (const button of document.querySelectorAll<HTMLElement>("button[data-copy]")) button.hidden = false;

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-copy]") : null;
  if (!button?.dataset.copy) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("copied");
});
