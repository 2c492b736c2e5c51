// Call-back widget: a button in the corner of the page and a small form that asks
// for a phone. It lives in a shadow root, so that the styles of the site and ours
// leave each other alone, needs no library and sends one plain POST.
(function () {
  'use strict';
  var config = {/*config*/};
  var words = config.texts;
  if (document.getElementById('marshrut-widget')) return; // pasted twice

  // The page the visit began with tells the campaign, also when the form is sent from another.
  var store = null;
  try { store = window.sessionStorage; } catch (e) { /* storage may be forbidden */ }
  function remember(key, value) {
    if (!store) return value;
    try {
      if (!store.getItem(key)) store.setItem(key, value);
      return store.getItem(key);
    } catch (e) { return value; }
  }
  var landing = remember('marshrut-landing', location.href);
  var referrer = remember('marshrut-referrer', document.referrer || '');

  function el(tag, attributes, children) {
    var node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { node.setAttribute(name, attributes[name]); });
    (children || []).forEach(function (child) {
      node.appendChild(typeof child === 'string' ? document.createTextNode(child) : child);
    });
    return node;
  }

  var host = el('div', { id: 'marshrut-widget' });
  var root = host.attachShadow({ mode: 'open' });
  var style = el('style', {}, [
    ':host{all:initial}*{box-sizing:border-box;font:16px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}' +
    '.open{position:fixed;right:20px;bottom:20px;z-index:2147483000;display:flex;align-items:center;gap:10px;border:0;border-radius:30px;padding:14px 22px;' +
    'background:' + color(config.color) + ';color:#fff;font-weight:600;cursor:pointer;box-shadow:0 6px 24px rgba(0,0,0,.25);transition:transform .15s}' +
    '.open:hover{transform:translateY(-2px)}.open svg{width:20px;height:20px;fill:currentColor}' +
    'dialog{border:0;border-radius:16px;padding:0;width:min(380px,calc(100vw - 32px));background:#fff;color:#1c2024;box-shadow:0 20px 60px rgba(0,0,0,.3)}' +
    'dialog::backdrop{background:rgba(15,20,30,.45)}form{padding:26px;display:grid;gap:14px}' +
    'h2{margin:0;padding-right:28px;font-size:22px;font-weight:700}p{margin:0;color:#5a6472}label{display:grid;gap:5px;font-size:14px;color:#5a6472}' +
    'input[type=text],input[type=tel]{width:100%;border:1px solid #c4cbd4;border-radius:10px;padding:11px 13px;background:#fff;color:#1c2024}' +
    'input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid ' + color(config.color) + '66;outline-offset:1px}' +
    '.consent{display:flex;gap:10px;align-items:flex-start;font-size:13px}.consent *{font-size:13px}.consent input{margin:2px 0 0;width:18px;height:18px;flex:none}' +
    '.send{border:0;border-radius:10px;padding:13px;background:' + color(config.color) + ';color:#fff;font-weight:600;cursor:pointer}.send[disabled]{opacity:.6;cursor:progress}' +
    '.close{position:absolute;right:12px;top:12px;width:36px;height:36px;border:0;border-radius:50%;background:none;color:#5a6472;font-size:22px;line-height:1;cursor:pointer}' +
    '.error{color:#b42318;min-height:0}.trap{position:absolute;left:-9999px;width:1px;height:1px;overflow:hidden}[hidden]{display:none!important}' +
    '@media (prefers-color-scheme:dark){dialog{background:#1f242b;color:#eef1f5}p,label,.close{color:#aab4c0}input[type=text],input[type=tel]{background:#161a1f;color:#eef1f5;border-color:#47505c}.error{color:#ff8a80}}' +
    '@media (prefers-reduced-motion:reduce){.open{transition:none}}'
  ]);

  var svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  var path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', 'M6.6 10.8a15 15 0 0 0 6.6 6.6l2.2-2.2a1 1 0 0 1 1-.25 11 11 0 0 0 3.6.6 1 1 0 0 1 1 1V20a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.5a1 1 0 0 1 1 1c0 1.2.2 2.4.6 3.6a1 1 0 0 1-.3 1z');
  svg.appendChild(path);

  var name = el('input', { type: 'text', name: 'name', autocomplete: 'name', maxlength: '120' });
  var phone = el('input', { type: 'tel', name: 'phone', autocomplete: 'tel', inputmode: 'tel', required: '', maxlength: '40', placeholder: '+7 900 000-00-00' });
  var agree = el('input', { type: 'checkbox', name: 'consent', value: 'yes' });
  var trap = el('input', { type: 'text', name: config.honeypot || 'mr_check', tabindex: '-1', autocomplete: 'off', 'aria-hidden': 'true' });
  var error = el('p', { class: 'error', role: 'alert', hidden: '' });
  var send = el('button', { class: 'send', type: 'submit' }, [words.send]);
  var close = el('button', { class: 'close', type: 'button', 'aria-label': words.close }, ['×']);
  var consent = el('span', {}, [words.consent]);
  if (config.policy) {
    consent.appendChild(document.createTextNode(' ('));
    consent.appendChild(el('a', { href: config.policy, target: '_blank', rel: 'noopener' }, [words.policy]));
    consent.appendChild(document.createTextNode(')'));
  }
  var form = el('form', { novalidate: '' }, [
    el('h2', { id: 'title' }, [words.title]), el('p', {}, [words.text]),
    el('label', {}, [words.name, name]), el('label', {}, [words.phone, phone]),
    el('label', { class: 'consent' }, [agree, consent]),
    el('div', { class: 'trap' }, [trap]), error, send
  ]);
  var dialog = el('dialog', { 'aria-labelledby': 'title' }, [close, form]);
  var open = el('button', { class: 'open', type: 'button' }, [svg, words.button]);
  [style, open, dialog].forEach(function (node) { root.appendChild(node); });

  open.addEventListener('click', function () { dialog.showModal(); phone.focus(); });
  close.addEventListener('click', function () { dialog.close(); });
  dialog.addEventListener('click', function (event) { if (event.target === dialog) dialog.close(); });
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    var digits = phone.value.replace(/\D/g, '');
    if (digits.length < 10 || digits.length > 15) { fail(words.bad, phone); return; }
    if (!agree.checked) { fail(words.need, agree); return; }
    submit();
  });

  function fail(text, field) {
    error.textContent = text;
    error.hidden = false;
    if (field) field.focus();
  }

  function submit() {
    error.hidden = true;
    send.disabled = true;
    send.textContent = words.sending;
    var body = new URLSearchParams();
    body.set('name', name.value);
    body.set('phone', phone.value);
    body.set('consent', 'yes');
    body.set('form_name', words.title);
    body.set('page', location.href);
    body.set('landing', landing);
    body.set('referrer', referrer);
    if (document.cookie) body.set('cookies', document.cookie.slice(0, 4000));
    if (trap.value) body.set(trap.name, trap.value);
    attempt(body, 3, 1000);
  }

  // A busy gateway says so; the same body again is the same inquiry there.
  function attempt(body, left, pause) {
    fetch(config.address, { method: 'POST', body: body, credentials: 'omit', referrerPolicy: 'no-referrer-when-downgrade' }).then(function (answer) {
      if (answer.ok) { done(); return; }
      throw new Error(String(answer.status));
    }).catch(function () {
      if (left > 1) { window.setTimeout(function () { attempt(body, left - 1, pause * 3); }, pause); return; }
      send.disabled = false;
      send.textContent = words.send;
      fail(words.fail);
    });
  }

  function done() {
    form.replaceChildren(el('h2', { id: 'title' }, [words.thanks]));
    open.hidden = true;
  }

  function color(value) { return /^#[0-9a-fA-F]{3,8}$/.test(value) ? value : '#1f6feb'; }

  function mount() { document.body.appendChild(host); }
  if (document.body) mount(); else document.addEventListener('DOMContentLoaded', mount);
})();
