"""Manual pages of commands, from the help that they print as JSON."""

from roff import escaped, header, paragraphs


def command_pages(command, version, above=()):
    """Yields the name and the text of a command's page and of those below it."""
    name = "-".join((*above, command["commandName"]))
    yield name, "".join(_page(command, name, version, above))
    for below in command.get("subcommands", []):
        if below.get("shouldDisplay") and below["commandName"] != "help":
            yield from command_pages(below, version, (*above, command["commandName"]))


def _page(command, name, version, above):
    yield header(name, 1, version)
    yield f".SH NAME\n{escaped(name)} \\- {escaped(command['abstract'].rstrip('.'))}\n"
    yield ".SH SYNOPSIS\n"
    yield f".B {escaped(' '.join((*above, command['commandName'])))}\n"
    arguments = [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay")]
    below = [each for each in command.get("subcommands", []) if each.get("shouldDisplay") and each["commandName"] != "help"]
    if below:
        yield "\\fICOMMAND\\fR\n"
    if any(argument["kind"] != "positional" for argument in arguments):
        yield "[\\fIOPTIONS\\fR]\n"
    for argument in arguments:
        if argument["kind"] == "positional":
            word = escaped(argument["valueName"]) + ("..." if argument["isRepeating"] else "")
            yield f"[\\fI{word}\\fR]\n" if argument["isOptional"] else f"\\fI{word}\\fR\n"
    yield ".SH DESCRIPTION\n" + paragraphs("\n\n".join([command["abstract"], command.get("discussion") or ""]))
    if below:
        yield ".SH COMMANDS\n"
        for each in below:
            page = escaped(f"{name}-{each['commandName']}")
            yield f".TP\n.BR {page} (1)\n{escaped(each['abstract'])}\n"
    section = None
    for argument in sorted(arguments, key=lambda each: each.get("sectionTitle") or ""):
        title = argument.get("sectionTitle") or ("ARGUMENTS" if argument["kind"] == "positional" else "OPTIONS")
        if title != section:
            section = title
            yield f".SH {escaped(title.upper())}\n"
        yield f".TP\n{_term(argument)}\n{escaped(_meaning(argument))}\n"
    yield ".SH SEE ALSO\n"
    yield ".BR sluice (1),\n" if above else ""
    yield ".BR sluice.yaml (5)\n"


def _term(argument):
    value = f" \\fI{escaped(argument['valueName'])}\\fR" if argument["kind"] == "option" else ""
    if argument["kind"] == "positional":
        return f"\\fI{escaped(argument['valueName'])}\\fR"
    names = (("-" if name["kind"] == "short" else "--") + name["name"] for name in argument["names"])
    return ", ".join(f"\\fB{escaped(name)}\\fR" for name in names) + value


def _meaning(argument):
    text = " ".join(part for part in (argument.get("abstract"), argument.get("discussion")) if part)
    default = argument.get("defaultValue")
    values = argument.get("allValues")
    if values and argument["kind"] != "flag":
        text += f" One of {', '.join(values)}."
    return text + (f" (default: {default})" if default and argument["kind"] == "option" else "")
