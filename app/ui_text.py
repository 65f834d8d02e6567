"""The labels of the chat page in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from app.session import Mode
from corpus.documents import Language
from corpus.errors import MessageLanguage


@dataclass(frozen=True, slots=True)
class Labels:
    """Every text of the page that is ours; names in braces are filled in where the text is used."""

    title: str
    subtitle: str
    ask_hint: str
    send: str
    new_chat: str
    welcome: str
    waiting: str
    no_sources: str
    refused_sources: str
    generated: str
    quoted: str
    support: str
    unsupported_scale: str
    unfounded: str
    citations: str
    relevance: str
    seconds: str
    searched_for: str
    left_out: str
    nearest: str
    legend: str
    holds: str
    models: str
    no_generator: str
    add_notes: str
    add_hint: str
    choose_files: str
    reading: str
    embedding: str
    added: str
    skipped: str
    page: str
    adapter: str
    mode: str
    modes: dict[Mode, str]
    language_names: dict[Language, str]


LABELS: dict[MessageLanguage, Labels] = {
    "zh": Labels(
        title="面试笔记问答",
        subtitle="每一句都有出处，全部在本机完成",
        ask_hint="问一个大模型面试题，回车发送，Shift+回车换行",
        send="提问",
        new_chat="新对话",
        welcome="向你的笔记提问，或从下面的问题开始",
        waiting="正在检索笔记并核对每一句",
        no_sources="回答里每一句引用的原文会列在这里。",
        refused_sources="这个问题没有引用任何笔记。",
        generated="模型撰写",
        quoted="摘自笔记",
        support="支持度 {value}",
        unsupported_scale="支持度无法评定",
        unfounded="笔记中没有依据",
        citations="{count} 处引用",
        relevance="相关度 {value}",
        seconds="{value} 秒",
        searched_for="结合上文，检索的是：{query}",
        left_out="舍去 {count} 项",
        nearest="笔记里最接近的标题：",
        legend="句末短条越满，出处对该句的支持度越高",
        holds="{documents} 篇笔记，{chunks} 个片段",
        models="检索 {embeddings}，生成 {generator}",
        no_generator="关闭（只摘录原文）",
        add_notes="添加笔记",
        add_hint="选择 .md 或 .txt 文件。文件会复制到 {folder}，再加入索引；同名文件会被新的替换。",
        choose_files="选择文件",
        reading="读取",
        embedding="计算向量",
        added="新增 {added}，更新 {changed}，未变 {unchanged}；现有 {documents} 篇笔记，{chunks} 个片段，用时 {seconds} 秒",
        skipped="跳过 {path}：{reason}",
        page="第 {page} 页",
        adapter="适配器 {name}",
        mode="作答方式",
        modes={"rag": "检索要点", "long-context": "通读全文", "fine-tuned": "微调闭卷", "fine-tuned-rag": "微调开卷"},
        language_names={"zh-Hans": "简体", "zh-Hant": "繁体", "en": "英文", "other": "其他"},
    ),
    "en": Labels(
        title="Interview notes",
        subtitle="every sentence cited, all on this machine",
        ask_hint="Ask an LLM interview question; Enter sends, Shift+Enter breaks the line",
        send="Ask",
        new_chat="New chat",
        welcome="Ask your notes a question, or start with one of these",
        waiting="Searching the notes and checking each sentence",
        no_sources="The original text behind each sentence of an answer is listed here.",
        refused_sources="No note was cited for this question.",
        generated="written by the model",
        quoted="quoted from the notes",
        support="support {value}",
        unsupported_scale="support cannot be scored",
        unfounded="not supported by your notes",
        citations="{count} citations",
        relevance="relevance {value}",
        seconds="{value} s",
        searched_for="Searched, with the conversation before, for: {query}",
        left_out="{count} left out",
        nearest="Nearest headings in your notes:",
        legend="the fuller the bar after a sentence, the better its source supports it",
        holds="{documents} notes, {chunks} passages",
        models="search {embeddings}, answers {generator}",
        no_generator="off (quotes only)",
        add_notes="Add notes",
        add_hint="Choose .md or .txt files. They are copied to {folder} and indexed; a file of the same name is replaced.",
        choose_files="Choose files",
        reading="Reading",
        embedding="Embedding",
        added="{added} added, {changed} changed, {unchanged} unchanged; now {documents} notes, {chunks} passages, {seconds} s",
        skipped="skipped {path}: {reason}",
        page="page {page}",
        adapter="adapter {name}",
        mode="Answers from",
        modes={
            "rag": "selected evidence",
            "long-context": "whole notes",
            "fine-tuned": "fine-tuned, closed book",
            "fine-tuned-rag": "fine-tuned, open book",
        },
        language_names={"zh-Hans": "Simplified Chinese", "zh-Hant": "Traditional Chinese", "en": "English", "other": "other"},
    ),
}


def browser_language(accepted: str) -> MessageLanguage:
    """The language of the page for a browser's Accept-Language header: that of its first entry, English unless Chinese."""
    return "zh" if accepted.strip().lower().startswith("zh") else "en"
