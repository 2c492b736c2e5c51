// Keys for people who do this all day: / finds, j and k walk through a list, ? tells.

const searched = "#search";

export function startKeys(): void {
  if (location.hash === searched) document.querySelector<HTMLElement>("[data-search]")?.focus();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    switch (event.key) {
      case "/":
        focusOn("[data-search]", event);
        break;
      case "j":
        walk(1, event);
        break;
      case "k":
        walk(-1, event);
        break;
      case "?":
        document.querySelector<HTMLDialogElement>("#keys")?.showModal();
        break;
    }
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function focusOn(selector: string, event: Event): void {
  const field = document.querySelector<HTMLElement>(selector);
  event.preventDefault();
  if (field) field.focus();
  else location.assign(`/leads${searched}`); // where what is looked for is found
}

function walk(by: number, event: Event): void {
  const items = [...document.querySelectorAll<HTMLElement>("[data-item]")];
  if (items.length === 0) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[Math.min(items.length - 1, Math.max(0, at + by))]?.focus();
}
