"""Take the picture of the chat that the README shows, from a server over the shipped notes.

    interview-rag ingest corpus/notes --index build/notes-index
    interview-rag serve --index build/notes-index
    python docs/images/take_screenshot.py http://127.0.0.1:7860/

Needs playwright (extra `dev`) and Chromium, named by CHROMIUM if it is not on the path.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

QUESTIONS = ("RoPE 的远程衰减是什么？",)
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def browser_path() -> str | None:
    """Where Chromium is; None leaves the choice to playwright."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def take(url: str, out: Path, *, questions: tuple[str, ...], width: int, height: int, language: str) -> None:
    """Ask the questions in a fresh browser and save what the window shows."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height}, locale=language, color_scheme="light")
        page.goto(url)
        for answered, question in enumerate(questions, 1):
            page.fill("#ir-question textarea:enabled", question)
            page.press("#ir-question textarea", "Enter")
            page.wait_for_function(f"document.querySelectorAll('.ir-facts').length >= {answered}", timeout=180_000)
        page.wait_for_selector("#ir-question textarea:enabled")
        page.evaluate("document.fonts.ready")
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(1000)  # the formulas' layout and the scrolling settle
        page.screenshot(path=out)
        browser.close()


def main() -> None:
    """Parse the command line and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:7860/", help="address of a running `interview-rag serve`")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("chat.png"))
    parser.add_argument("--question", action="append", help="ask this; repeat for a conversation")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--language", default="zh-CN", help="the browser's language")
    chosen = parser.parse_args()
    questions = tuple(chosen.question or QUESTIONS)
    take(chosen.url, chosen.out, questions=questions, width=chosen.width, height=chosen.height, language=chosen.language)


if __name__ == "__main__":
    main()
