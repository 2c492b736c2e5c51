// The calls at the person's telephone, on whatever page they are.

interface CallState {
  id: number;
  state: string;
  filed: boolean;
}

export function startCalls(source: EventSource): void {
  const box = document.querySelector<HTMLElement>("[data-calls]");
  if (!box?.dataset.calls) return;
  const address = box.dataset.calls;
  let shown = "[]";
  source.addEventListener("calls", (event) => {
    const text = event.data as string;
    if (text === shown) return;
    shown = text;
    const calls = JSON.parse(text) as CallState[];
    if (calls.length === 0) box.replaceChildren();
    else void refresh(box, address);
  });
}

async function refresh(box: HTMLElement, address: string): Promise<void> {
  try {
    const answer = await fetch(address, { headers: { "X-Part": "calls" } });
    if (!answer.ok) return;
    const focused = document.activeElement?.closest<HTMLElement>("[data-call]")?.dataset.call;
    box.innerHTML = await answer.text();
    // Who was on a button of the call stays on it.
    if (focused) box.querySelector<HTMLElement>(`[data-call="${focused}"] button`)?.focus();
  } catch {
    // The next event tries again.
  }
}
