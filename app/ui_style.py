"""The look of the chat page: fonts of the system, light and dark, and the script that leads from a citation to its source."""

from __future__ import annotations

import gradio as gr

# Chinese by name and before the generic fonts, which take the glyphs of whatever East Asian language the system prefers.
_LATIN = ("Segoe UI", "Helvetica Neue", "Noto Sans")
_FONTS = (*_LATIN, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "system-ui", "sans-serif")
_MONOSPACE = ("ui-monospace", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """A quiet theme on fonts that the machine has, so that none is fetched."""
    base = gr.themes.Base(primary_hue="teal", neutral_hue="slate", radius_size="md", font=_FONTS, font_mono=_MONOSPACE)
    return base.set(
        body_background_fill="#f7f7f4",
        block_border_width="0px",
        block_shadow="none",
        block_background_fill="transparent",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_text_color="white",
    )


CSS = """
.gradio-container { width: 100% !important; max-width: 1280px !important; margin: 0 auto !important; padding: 0 !important; }
.gradio-container > .main { padding: 16px 28px 0 !important; }
footer { margin: 0 !important; padding: 6px 0 !important; opacity: .7; }
footer .divider { display: none !important; }

#ir-head .html-container { padding: 0; }
#ir-head { align-items: center; padding-bottom: 10px; border-bottom: 1px solid var(--border-color-primary); gap: 12px; }
.ir-title { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 12px; }
.ir-title h1 { font-size: 20px; font-weight: 650; margin: 0; letter-spacing: .01em; }
.ir-title .ir-subtitle { color: var(--body-text-color-subdued); font-size: 13px; }
.ir-holds { color: var(--body-text-color-subdued); font-size: 12.5px; margin-top: 3px; line-height: 1.5; }
.ir-holds span + span::before { content: "·"; margin: 0 7px; opacity: .6; }
:is(#ir-language, #ir-mode) { min-width: 0 !important; width: auto !important; flex: 0 0 auto !important; padding: 0 !important; }
:is(#ir-language, #ir-mode) .wrap { gap: 0; flex-wrap: nowrap; }
:is(#ir-language, #ir-mode) label { padding: 3px 10px; border-radius: 0; font-size: 12.5px; box-shadow: none; cursor: pointer;
  background: transparent; border: 1px solid var(--border-color-primary); color: var(--body-text-color-subdued); }
:is(#ir-language, #ir-mode) label:first-of-type { border-radius: 6px 0 0 6px; }
:is(#ir-language, #ir-mode) label + label { border-left: 0; }
:is(#ir-language, #ir-mode) label:last-of-type { border-radius: 0 6px 6px 0; }
:is(#ir-language, #ir-mode) label.selected { background: var(--primary-700); color: white; border-color: var(--primary-700); }
:is(#ir-language, #ir-mode) label:focus-within { outline: 2px solid var(--primary-400); outline-offset: 1px; }
:is(#ir-language, #ir-mode) input { position: absolute; opacity: 0; }
:is(#ir-language, #ir-mode) label span { margin: 0; }

#ir-chat { border: 0; background: transparent; height: calc(100dvh - 202px) !important; min-height: 340px; }
body:has(#ir-mode) #ir-chat { height: calc(100dvh - 242px) !important; }
#ir-chat .icon-button-wrapper { display: none; }
#ir-chat .bubble-wrap { background: transparent; padding: 0 8px 0 0; }
#ir-chat .message-row.bubble { margin: 10px 0; max-width: 100%; }
#ir-chat .user-row.bubble { max-width: 85%; }
#ir-chat .message.user, #ir-chat .user.message { border: 0; box-shadow: none;
  background: color-mix(in srgb, var(--primary-100) 60%, var(--body-background-fill)); border-radius: 12px 12px 2px 12px;
  padding: 8px 14px; }
.dark #ir-chat .message.user, .dark #ir-chat .user.message { background: var(--primary-950); }
#ir-chat .message.bot, #ir-chat .bot.message { background: transparent; border: 0; box-shadow: none; padding: 0; }
#ir-chat p { margin: 0; line-height: 1.75; font-size: 15px; color: var(--body-text-color); }
#ir-chat .katex { font-size: 1.05em; }
#ir-chat .katex-display { text-align: left; margin: 0; }
#ir-chat .katex-display > .katex { text-align: left; padding: 2px 0; }
#ir-chat .ir-sentence > span:has(> .katex-display) { display: inline-block; vertical-align: middle; max-width: 88%;
  overflow: auto hidden; }
#ir-chat .ir-question { white-space: pre-wrap; }
#ir-chat .ir-sentence { white-space: pre-line; padding: 3px 0 3px 13px; border-left: 2px solid var(--neutral-300); margin: 0; }
.dark #ir-chat .ir-sentence { border-left-color: var(--neutral-600); }
#ir-chat .ir-generated { border-left-color: var(--primary-600); font-weight: 550; padding-bottom: 8px; }
#ir-chat .ir-generated::before { content: "✦"; margin-right: 5px; font-size: 11px; vertical-align: 1px;
  color: var(--primary-600); }
#ir-chat .ir-cite { display: inline-block; margin-left: 3px; font-weight: 400; font-size: 11.5px; line-height: 1.3;
  vertical-align: 2px;
  padding: 0 2px;
  border-radius: 4px; color: var(--primary-700); text-decoration: none; font-variant-numeric: tabular-nums; }
.dark #ir-chat .ir-cite { color: var(--primary-300); }
#ir-chat .ir-cite:hover, #ir-chat .ir-cite:focus-visible { background: var(--primary-100); outline: none; }
.dark #ir-chat .ir-cite:hover, .dark #ir-chat .ir-cite:focus-visible { background: var(--primary-900); }
#ir-chat .ir-code { display: block; white-space: pre; overflow-x: auto; padding: 8px 12px; border-radius: 8px; line-height: 1.5;
  font-family: var(--font-mono); font-size: 12.5px; background: var(--background-fill-primary);
  border: 1px solid var(--border-color-primary); }
.ir-marks { white-space: nowrap; }
.ir-unfounded { margin-left: 6px; padding: 0 5px; border-radius: 4px; font-size: 11.5px; background: #fdecd8; color: #8a4b08; }
.dark .ir-unfounded { background: #4a3315; color: #f3c88f; }
#ir-how { align-items: center; gap: 10px; flex-wrap: wrap; }
#ir-adapter { flex: 0 1 220px !important; min-width: 140px !important; }
.ir-support { display: inline-block; width: 14px; height: 3px; margin-left: 4px; vertical-align: 4px; border-radius: 2px;
  background: var(--neutral-300); overflow: hidden; opacity: .75; }
.dark .ir-support { background: var(--neutral-700); }
.ir-support i { display: block; height: 100%; background: var(--primary-600); }
#ir-chat .ir-aside { font-size: 13px; color: var(--body-text-color-subdued); padding-bottom: 6px; }
#ir-chat .ir-problem { color: var(--error-text-color, #b42318); }
#ir-chat .ir-refusal { padding-bottom: 4px; }
#ir-chat .ir-nearest { font-size: 13px; margin: 0; padding-left: 18px; color: var(--body-text-color-subdued); }
#ir-chat .ir-facts { font-size: 12px; line-height: 1.6; padding-top: 8px; color: var(--body-text-color-subdued); }
.ir-facts > span { white-space: nowrap; }
.ir-facts > span + span::before { content: "·"; margin: 0 6px; opacity: .6; }
.ir-facts details { display: inline-block; margin-left: 10px; vertical-align: top; max-width: 100%; }
.ir-facts summary { cursor: pointer; text-decoration: underline dotted; text-underline-offset: 3px; }
.ir-facts details ul { margin: 2px 0 0; padding-left: 16px; font-size: 12px; }
#ir-chat .ir-waiting { color: var(--body-text-color-subdued); animation: ir-breathe 1.6s ease-in-out infinite; }
@keyframes ir-breathe { 50% { opacity: .4; } }
@media (prefers-reduced-motion: reduce) { #ir-chat .ir-waiting { animation: none; } }
#ir-chat .placeholder-content { justify-content: center; }
#ir-chat .placeholder { height: auto; flex-grow: 0; padding-bottom: 4px; }
#ir-chat .examples { margin: 0 auto; gap: 8px; max-width: 640px; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); }
#ir-chat .example { padding: 10px 14px; border: 1px solid var(--border-color-primary);
  background: var(--background-fill-primary); }
#ir-chat .example:hover { border-color: var(--primary-500); transform: none; }
#ir-chat .example-text { font-size: 13.5px; line-height: 1.5; }
#ir-chat .example-content.no-multimodal { padding-top: 0; }
#ir-chat .options { padding: 4px 0; gap: 6px; justify-content: start; justify-items: start; margin: 0; width: auto; }
#ir-chat .option { text-align: left; overflow-wrap: anywhere; justify-content: start; font-size: 13px; line-height: 1.5;
  border: 1px solid var(--border-color-primary);
  border-radius: 8px; padding: 6px 12px; background: var(--background-fill-primary); }
#ir-chat .option:hover { border-color: var(--primary-500); }

#ir-ask { gap: 8px; align-items: flex-end; }
#ir-question textarea { min-height: 44px; border: 1px solid var(--border-color-primary); border-radius: 10px;
  padding: 10px 14px; font-size: 15px;
  background: var(--background-fill-primary); box-shadow: none; }
#ir-question textarea::placeholder { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
#ir-question textarea:focus { border-color: var(--primary-600); box-shadow: 0 0 0 2px var(--primary-100); }
.dark #ir-question textarea:focus { box-shadow: 0 0 0 2px var(--primary-900); }
#ir-question { padding: 0 !important; overflow: visible !important; }
#ir-send, #ir-new { min-width: 76px !important; flex: 0 0 auto; height: 44px; border-radius: 10px; font-size: 14px;
  padding: 0 14px; }
#ir-new { background: transparent; border: 1px solid var(--border-color-primary); }

#ir-side { gap: 12px; height: calc(100dvh - 146px); min-height: 400px; flex-wrap: nowrap; }
#ir-sources { background: var(--background-fill-primary); border: 1px solid var(--border-color-primary); border-radius: 12px;
  flex: 1 1 0; min-height: 120px; overflow-y: auto !important; padding: 14px 16px; }
#ir-sources > div { padding: 0; }
.ir-empty { color: var(--body-text-color-subdued); font-size: 13px; }
.ir-turn { display: none; }
.ir-turn.ir-shown { display: block; }
.ir-turn h3 { font-size: 13px; font-weight: 600; margin: 0 0 10px; color: var(--body-text-color-subdued);
  overflow-wrap: anywhere; }
.ir-note { padding: 10px 0; border-top: 1px solid var(--border-color-primary); }
.ir-path { font-family: var(--font-mono); font-size: 12px; color: var(--primary-700); overflow-wrap: anywhere; }
.dark .ir-path { color: var(--primary-300); }
.ir-heading { font-size: 12.5px; margin: 2px 0 6px; color: var(--body-text-color-subdued); overflow-wrap: anywhere; }
.ir-source { display: flex; align-items: baseline; gap: 8px; padding: 4px 6px; margin: 0 -6px; border-radius: 6px;
  transition: background .6s; }
.ir-source.ir-flash { background: var(--primary-100); transition: none; }
.dark .ir-source.ir-flash { background: var(--primary-900); }
.ir-number { flex: 0 0 auto; min-width: 18px; height: 18px; border-radius: 5px; text-align: center; font-size: 11px;
  line-height: 18px;
  color: var(--primary-800); background: var(--primary-50); font-variant-numeric: tabular-nums; }
.dark .ir-number { color: var(--primary-200); background: var(--primary-950); }
.ir-quote { flex: 1 1 auto; min-width: 0; margin: 0; padding: 0; border: 0; font-size: 13.5px; line-height: 1.65;
  white-space: pre-wrap;
  overflow-wrap: anywhere; color: var(--body-text-color); }
#ir-add { border: 1px solid var(--border-color-primary); border-radius: 12px; background: var(--background-fill-primary); }
#ir-add .ir-added { font-size: 13px; line-height: 1.6; overflow-wrap: anywhere; }
#ir-add .ir-problem { color: var(--error-text-color, #b42318); }

@media (max-width: 760px) {
  .gradio-container > .main { padding: 12px 14px 0 !important; }
  #ir-head { flex-wrap: nowrap; align-items: flex-start; }
  .ir-title .ir-subtitle { display: none; }
  #ir-ask { flex-wrap: nowrap; }
  #ir-question { min-width: 0 !important; }
  #ir-chat { height: calc(100dvh - 216px) !important; }
  body:has(#ir-mode) #ir-chat { height: calc(100dvh - 256px) !important; }
  #ir-side { height: auto; min-height: 0; }
  #ir-sources { flex: none; max-height: none; }
  #ir-send, #ir-new { min-width: 0 !important; padding: 0 12px; }
}
"""

# With a touch screen, focus would open the keyboard over the answer.
FOCUS = """
() => setTimeout(() => matchMedia("(pointer: fine)").matches && document.querySelector("#ir-question textarea").focus(), 100)
"""

# Delegated, because Gradio replaces the elements with every answer.
SCRIPT = """
() => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.ir-cite");
    if (!link) return;
    event.preventDefault();
    const source = document.getElementById(link.getAttribute("href").slice(1));
    if (!source) return;
    document.querySelectorAll(".ir-turn.ir-shown").forEach((turn) => turn.classList.remove("ir-shown"));
    source.closest(".ir-turn").classList.add("ir-shown");
    source.scrollIntoView({ block: "center", behavior: "smooth" });
    source.classList.add("ir-flash");
    setTimeout(() => source.classList.remove("ir-flash"), 900);
  });
}
"""
