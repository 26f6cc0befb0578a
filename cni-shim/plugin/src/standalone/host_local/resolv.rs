//! Files as resolv.conf(5).

use std::{fs, io, path::Path};

use crate::standalone::result::Dns;

/// What such a file says.
pub fn read(path: &Path) -> io::Result<Dns> {
    Ok(of(&fs::read_to_string(path)?))
}

fn of(text: &str) -> Dns {
    let mut dns = Dns::default();
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.starts_with(['#', ';'])) {
        let mut words = line.split_whitespace().map(str::to_owned);
        let (Some(key), Some(first)) = (words.next(), words.next()) else {
            continue;
        };
        match key.as_str() {
            "nameserver" => dns.nameservers.push(first),
            "domain" => dns.domain = first,
            "search" => dns.search.extend([first].into_iter().chain(words)),
            "options" => dns.options.extend([first].into_iter().chain(words)),
            _ => {}
        }
    }
    dns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_unknown_lines_are_passed_over() {
        let dns = of(
            "# a\n; b\nnameserver 10.0.0.1 x\nnameserver\n search a.test b.test\n\
                      options ndots:2 edns0\ndomain c.test\nsortlist 10.0.0.0\nsearch d.test",
        );

        assert_eq!(dns.nameservers, ["10.0.0.1"]);
        assert_eq!(dns.search, ["a.test", "b.test", "d.test"]);
        assert_eq!(dns.options, ["ndots:2", "edns0"]);
        assert_eq!(dns.domain, "c.test");
    }
}
