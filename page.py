"""How the web app's page looks and moves: its style, and what stays in the browser."""

from __future__ import annotations

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]

# Gradio's events carry what was clicked to Python; only copying and scrolling stay in the browser.
CHAT_JS = """
const refine = () => {  // the browser's own date picker and suggestions, once the row is unfolded
  document.querySelectorAll('.rq-date input').forEach(input => { input.type = 'date'; });
  document.querySelector('.rq-company input')?.setAttribute('list', 'rq-companies');
};
new MutationObserver(refine).observe(document.body, {childList: true, subtree: true});
const shown = (cite) => document.querySelector(`#rq-viewer [data-shows="${cite}"]`);
const show = () => document.dispatchEvent(new Event('rq-show'));
const copy = (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement('textarea'), {value: text});
  document.body.append(area); area.select(); document.execCommand('copy'); area.remove();
};
document.addEventListener('click', async (event) => {
  const issuers = document.querySelector('.rq-header details');
  if (issuers && !issuers.contains(event.target)) issuers.open = false;
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  await copy(button.dataset.copy);
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = 'Copy quote'; }, 1500);
});
element.addEventListener('click', (event) => {
  const {question, cite, scope} = event.target.closest('button')?.dataset ?? {};
  if (question) trigger('example', {question});
  if (scope) trigger('reread', {scope});
  if (!cite) return;
  if (innerWidth < 900) document.getElementById('rq-viewer').scrollIntoView();
  if (shown(cite)) show(); else trigger('cite', {cite});
});
const exchanges = () => [...element.querySelectorAll('.rq-exchange')];
const unfolded = new Set();  // a new value folds all; what was unfolded is so again
element.addEventListener('toggle', ({target}) => {
  const turn = exchanges().indexOf(target.closest('.rq-exchange'));
  if (target.open) unfolded.add(turn); else unfolded.delete(turn);
}, true);
let chip;  // the one that has the focus; a new value takes it away
['focusin', 'pointerdown'].forEach(kind => document.addEventListener(kind, ({target}) => {
  chip = target.closest?.('[data-scope]')?.dataset.scope;
}));
let turns = 0, top = 0;  // what was there, and how far it was scrolled
watch('value', () => {
  const all = exchanges(), last = all[all.length - 1];
  if (!last) unfolded.clear();
  unfolded.forEach(turn => { all[turn]?.querySelector('details')?.setAttribute('open', ''); });
  const follows = all.length !== turns || element.scrollTop === top;  // nobody scrolled since
  turns = all.length;
  if (last && follows) {
    element.scrollTop += last.getBoundingClientRect().top - element.getBoundingClientRect().top;
    top = element.scrollTop;
  }
  if (chip && document.activeElement === document.body) {
    element.querySelector(`[data-scope="${chip}"]`)?.focus({preventScroll: true});
  }
  show();
});
"""

VIEWER_JS = """
const show = () => {
  const key = element.querySelector('[data-shows]')?.dataset.shows;
  document.querySelectorAll('#rq-chat [data-cite]').forEach(button => {
    if (button.dataset.cite === key) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  });
  const box = element.querySelector('.rq-text'), mark = box?.querySelector('mark.active');
  if (mark) box.scrollTop += mark.getBoundingClientRect().top
    - box.getBoundingClientRect().top - box.clientHeight / 4;
};
document.addEventListener('rq-show', show);
watch('value', show);
"""

CSS = """
:root { --rq-mark: #fde047; --rq-mark-other: #fef6cf; --rq-error: #b91c1c;
  --rq-soft: #5b6779; --rq-accent: #0f766e; --rq-tint: #f0fdfa; --rq-warn: #a16207; }
.dark { --rq-soft: #a3afc0; --rq-mark: #facc15; --rq-mark-other: #574a17; --rq-error: #fca5a5;
  --rq-accent: #5eead4; --rq-tint: #132f33; --rq-warn: #facc15; color-scheme: dark; }
:root, .dark { --rq-line: var(--border-color-primary); --rq-panel: var(--background-fill-primary); }
.gradio-container { background: var(--background-fill-secondary) !important; }
.gradio-container .main { padding: 0 !important; }
.gradio-container main { padding: 0 24px 16px !important; width: 100%; max-width: 1680px !important;
  margin: 0 auto; }
#rq-top { overflow: visible; }
#rq-top h1, #rq-main h2, #rq-main p { margin: 0; }
#rq-top { position: relative; z-index: 20; }
.rq-header { display: flex; align-items: baseline; gap: 18px; padding: 14px 2px 0; min-height: 48px;
  color: var(--rq-soft); font-size: 14px; }
.rq-header h1 { font-size: 20px; font-weight: 700; color: var(--body-text-color);
  letter-spacing: -.01em; }
.rq-header details { position: relative; flex: none; }
.rq-header summary { cursor: pointer; border-radius: 6px; padding: 2px 4px; }
.rq-issuers { position: absolute; left: 0; top: 30px; width: min(560px, 88vw); max-height: 60vh;
  overflow: auto; padding: 14px 18px; background: var(--rq-panel); border: 1px solid var(--rq-line);
  border-radius: 12px; box-shadow: 0 12px 32px rgb(0 0 0 / .16); }
.rq-issuers table { width: 100%; border-collapse: collapse; }
.rq-issuers caption { text-align: left; padding-bottom: 8px; font-weight: 600; }
.rq-issuers th { text-align: left; font-weight: 400; color: var(--body-text-color);
  padding: 4px 12px 4px 0; overflow-wrap: anywhere; }
.rq-issuers td:nth-child(2) { width: 42%; }
.rq-issuers td:last-child { text-align: right; width: 52px; font-variant-numeric: tabular-nums; }
.rq-issuers i { display: block; height: 8px; min-width: 2px; border-radius: 4px;
  background: var(--rq-accent); }
.rq-writer { margin-left: auto !important; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
#rq-main { gap: 20px; flex-wrap: nowrap; height: calc(100dvh - 80px); min-height: 460px; }
#rq-left, #rq-right { height: 100%; min-height: 0; flex-wrap: nowrap; gap: 12px; }
#rq-chat, #rq-viewer { flex: 1 1 0; min-height: 0; padding: 0; border-radius: 14px;
  background: var(--rq-panel); border: 1px solid var(--rq-line); overflow: hidden; }
#rq-top > div, #rq-chat > div, #rq-viewer > div { padding: 0; }
#rq-chat > div, #rq-chat > div > div, #rq-viewer > div, #rq-viewer > div > div { height: 100%; }
#rq-chat > div > div { overflow: auto; }
#rq-ask, #rq-filters { flex: none; }
#rq-ask { align-items: stretch; gap: 8px; }
#rq-ask > .block { border-radius: 10px; background: var(--rq-panel); }
#rq-ask textarea { background: none; min-height: 44px; font-size: 16px; }
#rq-ask button { min-height: 44px; max-height: 48px; border-radius: 10px; font-size: 15px;
  white-space: nowrap; }
#rq-ask button.primary { background: #0f766e; color: #fff; }
#rq-ask button.primary:hover { background: #115e59; }
#rq-ask #rq-send, #rq-ask #rq-stop { flex: none; width: 76px; min-width: 76px !important; padding: 0; }
#rq-ask #rq-stop { display: none; }  /* in place of Ask while an answer is written, if that takes long */
#rq-left:has(.rq-pending) #rq-stop { display: flex; margin-left: -84px; animation: rq-late .5s step-end; }
#rq-left:has(.rq-pending) #rq-send { visibility: hidden; animation: rq-early .5s step-end; }
@keyframes rq-late { from { visibility: hidden; } }
@keyframes rq-early { from { visibility: visible; } }
#rq-ask button.secondary { background: none; border: 1px solid var(--rq-line); font-weight: 500;
  color: var(--body-text-color); }
#rq-filters .row { flex-wrap: wrap; }
.rq-date input, .rq-company input { width: 100%; padding: 7px 10px; font-size: 14px;
  border: 1px solid transparent; border-radius: 6px; background: var(--input-background-fill);
  color: var(--body-text-color); }
#rq-filters button.sm { flex: none; align-self: flex-start; width: auto; }
#rq-filters { border-radius: 12px; }
.rq-exchange { padding: 22px 26px 20px; display: flex; flex-direction: column; gap: 14px; }
.rq-exchange + .rq-exchange { border-top: 1px solid var(--rq-line); }
.rq-question { font-weight: 600; font-size: 17px; line-height: 1.4; overflow-wrap: anywhere; }
.rq-scope { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin-top: -4px;
  color: var(--rq-soft); font-size: 13px; }
.rq-scope > span { min-width: 56px; }  /* as wide whether it reads or has read */
.rq-chip { display: inline-flex; align-items: center; gap: 7px; max-width: 100%; min-height: 28px;
  padding: 0 10px 0 12px; border: 1px solid var(--rq-line); border-radius: 999px;
  background: var(--rq-tint); color: var(--body-text-color); font-size: 13px !important; }
.rq-chip span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.rq-chip i { font-style: normal; font-size: 16px; line-height: 1; color: var(--rq-soft); }
.rq-chip:hover { border-color: var(--rq-accent); }
.rq-chip:hover i { color: var(--rq-accent); }
.rq-off { background: none; border-style: dashed; color: var(--rq-soft); }
.rq-off span { text-decoration: line-through; }
.rq-stale { display: flex; flex-direction: column; gap: 14px; animation: rq-fade .2s .3s both; }
@keyframes rq-fade { to { opacity: .45; } }
.rq-answer { font-size: 16px; line-height: 1.65; overflow-wrap: anywhere; }
.rq-answer span { white-space: nowrap; }
.rq-day { margin-left: 6px; color: var(--rq-soft); font-size: 12px; }
#rq-chat button, #rq-viewer button { font: inherit; cursor: pointer; }
#rq-chat :focus-visible, #rq-viewer :focus-visible, #rq-top :focus-visible {
  outline: 2px solid var(--rq-accent); outline-offset: 2px; }
.rq-ref { margin-left: 4px; min-width: 20px; padding: 0 5px; border-radius: 6px; line-height: 20px;
  font-size: 12px !important; font-weight: 600 !important; color: var(--rq-accent);
  background: var(--rq-tint); border: 1px solid transparent; vertical-align: 2px; }
.rq-ref:hover, .rq-ref[aria-current] { border-color: var(--rq-accent); }
.rq-sources { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column;
  gap: 8px; }
.rq-source { border: 1px solid var(--rq-line); border-radius: 10px; padding: 12px 8px 8px; }
.rq-source:has([aria-current]) { border-color: var(--rq-accent); }
.rq-source ul { list-style: none; margin: 6px 0 0; padding: 0; }
.rq-source li { display: flex; flex-wrap: wrap; align-items: center; gap: 0 8px; padding-right: 8px;
  border-radius: 8px; }
.rq-source li:hover, .rq-source li:has([aria-current]) { background: var(--rq-tint); }
.rq-title, .rq-open { text-align: left; background: none; border: 0; border-radius: 8px; }
.rq-title { display: block; padding: 0 8px; font-weight: 600 !important; line-height: 1.35;
  overflow-wrap: anywhere; }
.rq-title:hover { color: var(--rq-accent); }
.rq-byline { padding: 2px 8px 0; }
.rq-open { flex: 1; min-width: 0; display: flex; gap: 10px; align-items: center; padding: 5px 8px; }
.rq-open q { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 14px; }
.rq-open q::before { content: "“"; }
.rq-open q::after { content: "”"; }
.rq-byline a { color: var(--rq-accent); text-decoration: none; }
.rq-byline a:hover { text-decoration: underline; }
.rq-number { flex: none; width: 22px; border-radius: 6px; text-align: center; line-height: 22px;
  font-size: 12px; font-weight: 600; color: var(--rq-accent); background: var(--rq-tint); }
.rq-byline, .rq-note, .rq-actions, .rq-facts { color: var(--rq-soft); font-size: 13px; }
.rq-actions { display: flex; gap: 16px; flex-wrap: wrap; }
.rq-copy { flex: none; }
.rq-recurs { flex: 1 0 100%; padding: 0 8px 5px 40px; color: var(--rq-soft); font-size: 12px; }
.rq-actions a, .rq-copy { color: var(--rq-accent); background: none; border: 0; padding: 0;
  font-size: 13px !important; text-decoration: none; border-radius: 4px; }
.rq-actions a:hover, .rq-copy:hover { text-decoration: underline; }
.rq-missing, .rq-error { border-left: 3px solid var(--rq-soft); padding: 4px 0 4px 14px; }
.rq-missing { line-height: 1.5; }
.rq-missing strong { font-weight: 600; }
.rq-missing p { color: var(--rq-soft); font-size: 14px; }
.rq-error { border-color: var(--rq-error); color: var(--rq-error); overflow-wrap: anywhere; }
.rq-foot { display: flex; flex-direction: column; gap: 6px; }
.rq-checks { font-size: 14px; color: var(--rq-soft); }
.rq-checks summary { cursor: pointer; font-size: 13px; width: fit-content; border-radius: 4px; }
.rq-checks summary:hover { color: var(--rq-accent); }
.rq-checks ul { list-style: none; margin: 10px 0 0; padding: 0; display: flex; flex-direction: column;
  gap: 10px; }
.rq-checks li { display: flex; gap: 10px; align-items: baseline; line-height: 1.45; }
.rq-checks p { min-width: 0; overflow-wrap: anywhere; }
.rq-checks q { color: var(--body-text-color); }
.rq-checks q::before { content: "“"; }
.rq-checks q::after { content: "”"; }
.rq-checks small { display: block; font-size: 13px; }
.rq-outcome { flex: none; width: 78px; border-radius: 6px; text-align: center; font-size: 12px;
  font-weight: 600; line-height: 20px; color: var(--rq-is); border: 1px solid currentcolor; }
.rq-supported { --rq-is: var(--rq-accent); }
.rq-corrected { --rq-is: var(--rq-warn); }
.rq-dropped { --rq-is: var(--rq-soft); }
.rq-pending { color: var(--rq-soft); animation: rq-breathe 1.2s ease-in-out infinite; }
@keyframes rq-breathe { 50% { opacity: .4; } }
.rq-welcome, .rq-empty, .rq-idle { height: 100%; padding: 26px; display: flex; gap: 14px;
  flex-direction: column; justify-content: center; max-width: 620px; margin: 0 auto; }
.rq-welcome h2, .rq-empty h2 { font-size: 24px; font-weight: 700; letter-spacing: -.01em; }
.rq-welcome p, .rq-empty p, .rq-idle { color: var(--rq-soft); line-height: 1.55; }
.rq-idle { text-align: center; max-width: 360px; gap: 4px; }
.rq-examples { display: flex; flex-direction: column; gap: 8px; margin-top: 6px; }
.rq-example { text-align: left; padding: 11px 16px; border: 1px solid var(--rq-line);
  border-radius: 10px; background: none; }
.rq-example:hover { border-color: var(--rq-accent); background: var(--rq-tint); }
.rq-empty pre { padding: 12px 16px; border-radius: 10px; border: 1px solid var(--rq-line);
  background: var(--background-fill-secondary); font-size: 15px; }
.rq-release { height: 100%; display: flex; flex-direction: column; }
.rq-release header { padding: 20px 26px 14px; border-bottom: 1px solid var(--rq-line);
  display: flex; flex-direction: column; gap: 8px; max-height: 45%; overflow: auto; }
.rq-eyebrow { font-size: 12px; font-weight: 600; color: var(--rq-accent); }
.rq-release h2 { font-size: 19px; font-weight: 650; line-height: 1.35; overflow-wrap: anywhere; }
.rq-facts { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; }
.rq-facts li:not(:last-child)::after { content: "·"; margin: 0 8px; }
.rq-text { flex: 1 1 0; min-height: 0; overflow: auto; padding: 20px 26px 40px; font-size: 15.5px;
  line-height: 1.65; white-space: pre-wrap; overflow-wrap: anywhere; }
.rq-text mark { background: var(--rq-mark-other); color: inherit; border-radius: 3px;
  padding: 1px 0; }
.rq-text mark.active { background: var(--rq-mark); color: #1c1917; }
@media (max-width: 900px) {
  .gradio-container main { padding: 0 12px 16px !important; }
  .rq-header { flex-direction: column; gap: 2px; }
  .rq-writer { margin-left: 4px !important; max-width: 100%; }
  #rq-main { flex-direction: column; height: auto; }
  #rq-left, #rq-right { height: auto; width: 100%; flex: none; }
  #rq-chat, #rq-viewer { flex: none; }
  #rq-chat > div, #rq-chat > div > div { height: auto; max-height: 70dvh; }
  #rq-viewer:has(article) { height: 90dvh; }
  .rq-exchange, .rq-release header, .rq-text { padding-left: 18px; padding-right: 18px; }
}
@media (prefers-reduced-motion: reduce) { .rq-pending { animation: none; } }
"""
