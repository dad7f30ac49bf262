"""The claims of the papers: what each says, when it holds, which runs show it and how they are judged."""
