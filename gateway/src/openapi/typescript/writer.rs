//! Lines of TypeScript, indented.

/// Text that is written line by line.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
    depth: usize,
}

// === impl Writer ===

impl Writer {
    /// Writes a line.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Writes something in braces.
    pub(super) fn block(&mut self, head: &str, end: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.line(&format!("}}{end}"));
    }

    /// Writes a member whose type may have several lines.
    pub(super) fn value(&mut self, member: &str, kind: &str) {
        let mut lines = kind.lines();
        let first = format!("{member} {}", lines.next().unwrap_or("unknown"));
        let rest: Vec<_> = lines.collect();
        let Some((last, between)) = rest.split_last() else {
            return self.line(&format!("{first};"));
        };
        self.line(&first);
        for line in between {
            self.line(line);
        }
        self.line(&format!("{last};"));
    }

    /// Writes what people read; nothing at all if there is nothing to say.
    pub(super) fn comment(&mut self, text: &str) {
        let text = text.trim().replace("*/", "*\u{200b}/");
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        match lines.as_slice() {
            [] => {}
            [only] => self.line(&format!("/** {only} */")),
            several => {
                self.line("/**");
                for line in several {
                    self.line(&format!(" * {line}"));
                }
                self.line(" */");
            }
        }
    }

    /// Everything that was written.
    pub(super) fn finish(self) -> String {
        self.text
    }
}
