"""The configuration: one YAML file, read into the settings of a hub or into every fault of it.

load.load(path) -> model.Loaded      the story; `source` reads YAML, `forms` one node, `rules` and `plugin` sections
render.lines(problem, source, width) a fault as a terminal shows it
schema.json_schema(), init.starter() what editors and `crosswalk init` need, from the same `grammar`
"""
