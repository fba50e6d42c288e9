/// The look of a page.
enum PageStyle {
  static let css: Markup = """

    :root { color-scheme: light dark; --page: #fbfbf9; --card: #ffffff; --ink: #1c1d1f; --soft: #62656b;
      --line: #e3e3de; --good: #1a7a3c; --bad: #c22f2f; --mind: #8a5a00; --a: #2a6fc9; --b: #d9622b; --c: #16936a;
      --d: #7556c4; }
    @media (prefers-color-scheme: dark) { :root { --page: #16171a; --card: #1e2023; --ink: #e8e8e4; --soft: #a0a3a9;
      --line: #34373c; --good: #5fc784; --bad: #f0807a; --mind: #e0b25a; --a: #6aa5f2; --b: #ec8a57; --c: #45bd94;
      --d: #a890ef; } }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
      overflow-wrap: anywhere; }
    main, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px; }
    main { padding-top: 28px; }
    footer { padding-top: 20px; padding-bottom: 32px; color: var(--soft); font-size: 13px; }
    h1 { font-size: 28px; line-height: 1.2; margin: 0; }
    h2 { font-size: 18px; margin: 36px 0 12px; }
    h3 { font-size: 15px; margin: 24px 0 8px; }
    p { margin: 0 0 8px; }
    a { color: var(--a); }
    code { font: 13px/1.5 ui-monospace, monospace; }
    .title { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; }
    .purpose { margin: 6px 0 0; font-size: 17px; }
    .where { margin: 6px 0 20px; }
    .where, .note, .none, dt, .name { color: var(--soft); }
    .note, .where { font-size: 13px; }
    .verdict { font-weight: 600; border: 1.5px solid; border-radius: 99px; padding: 1px 12px; color: var(--mind);
      white-space: nowrap; }
    .run .verdict { font-size: 12px; padding: 0 8px; }
    .good { color: var(--good); }
    .bad { color: var(--bad); }
    .verdict.good { color: var(--good); }
    .verdict.bad { color: var(--bad); }
    .mark { font-weight: 600; white-space: nowrap; }
    .warning { border-left: 3px solid var(--mind); padding: 6px 12px; background: var(--card); }
    .tiles, .runs { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px; }
    .runs { grid-template-columns: 1fr 1fr; margin-bottom: 12px; }
    .tile, .chart, .run { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
    .tile { padding: 10px 14px; display: flex; flex-direction: column; min-width: 0; }
    .tile b { font-size: 22px; line-height: 1.35; color: var(--ink); }
    .tile.bad b { color: var(--bad); }
    .tile .name { font-size: 13px; }
    .tile .note { font-size: 12px; }
    .run { padding: 10px 14px; font-size: 13px; color: var(--soft); }
    .run b { color: var(--ink); font-size: 15px; }
    .charts { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
    .chart { margin: 0 0 12px; padding: 12px 16px 10px; min-width: 0; }
    .charts .chart { margin: 0; }
    figcaption { min-height: 46px; line-height: 1.45; }
    .legend { display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 13px; }
    .key svg { width: 20px; height: 10px; margin-right: 5px; }
    .plot { position: relative; height: 190px; margin: 10px 0 22px 58px; }
    section > .chart .plot { height: 300px; }
    .plot > svg { position: absolute; width: 100%; height: 100%; overflow: visible; }
    .up, .across { position: absolute; font-size: 12px; line-height: 16px; color: var(--soft); white-space: nowrap;
      font-variant-numeric: tabular-nums; }
    .up { right: 100%; margin-right: 7px; transform: translateY(50%); }
    .across { top: 100%; margin-top: 5px; transform: translateX(-50%); }
    .across.first { transform: none; }
    .across.last { transform: translateX(-85%); }
    path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
    .grid { stroke: var(--line); stroke-width: 1; }
    .line { stroke-width: 1.8; }
    .line.old { stroke-width: 1.5; stroke-dasharray: 4 3; opacity: .75; }
    .before { stroke: var(--soft); stroke-dasharray: 4 3; stroke-width: 1.5; }
    .a { stroke: var(--a); } .b { stroke: var(--b); } .c { stroke: var(--c); } .d { stroke: var(--d); }
    path.bad { stroke: var(--bad); }
    .area { stroke: none; opacity: .16; }
    .area.a { fill: var(--a); }
    .hint { fill: transparent; }
    .hint:hover { fill: var(--soft); opacity: .15; }
    .scroll { overflow-x: auto; margin-bottom: 12px; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
    th, td { text-align: right; padding: 5px 0 5px 14px; border-bottom: 1px solid var(--line); font-weight: 400;
      vertical-align: top; }
    td { white-space: nowrap; }
    td.text { white-space: normal; }
    thead th { color: var(--soft); font-size: 13px; vertical-align: bottom; }
    th.text, td.text { text-align: left; }
    th:first-child { padding-left: 0; }
    dl { margin: 0 0 12px; }
    dl div { display: grid; grid-template-columns: 150px 1fr; gap: 12px; padding: 4px 0;
      border-bottom: 1px solid var(--line); }
    dd { margin: 0; min-width: 0; }
    .bar { display: block; height: 4px; margin-top: 4px; background: var(--line); border-radius: 2px; overflow: hidden; }
    .bar i { display: block; height: 100%; background: var(--a); }
    .bar.bad i { background: var(--bad); }
    td .bar { width: 140px; max-width: 100%; margin-left: auto; }
    .errors { list-style: none; margin: 0; padding: 0; }
    .errors li { margin: 0 0 14px; }
    .errors li div { display: flex; justify-content: space-between; gap: 12px; }
    .errors .note { margin-top: 3px; }
    @media (max-width: 760px) {
      main, footer { padding-left: 14px; padding-right: 14px; }
      main { padding-top: 18px; }
      h1 { font-size: 23px; }
      .tiles { grid-template-columns: 1fr 1fr; }
      .tile b { font-size: 19px; }
      .charts { grid-template-columns: 1fr; }
      .chart { padding: 10px 12px 8px; }
      section > .chart .plot { height: 240px; }
      table { font-size: 13px; }
      th, td { padding-left: 8px; }
      thead th { font-size: 12px; }
      dl div { grid-template-columns: 100px 1fr; }
      td .bar { width: 60px; }
    }
    @media (max-width: 480px) { .runs { grid-template-columns: 1fr; } td .mark { white-space: normal; } }
    @media print {
      :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --good: #14602f;
        --bad: #a11; --mind: #6b4600; --a: #1c5cb0; --b: #c24f1a; --c: #0d7a57; --d: #5f42ab; }
      @page { margin: 14mm; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      body { font-size: 11px; }
      main, footer { max-width: none; padding: 0; }
      h2 { margin-top: 22px; break-after: avoid; }
      .plot { height: 130px; }
      section > .chart .plot { height: 220px; }
      .tiles { grid-template-columns: repeat(4, 1fr); }
      .tile b { font-size: 16px; }
      .charts { grid-template-columns: 1fr 1fr; }
      .chart, .tile, .run, tr, li, dl div { break-inside: avoid; }
      .hint { display: none; }
      .scroll { overflow: visible; }
      th, td { padding-top: 3px; padding-bottom: 3px; }
      code, .note, .where, .run, .legend, .tile .name { font-size: 10px; }
      .warning { border: 1px solid var(--mind); }
    }

    """
}
