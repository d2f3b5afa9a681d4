//! One event's XML as the JSON that the EVTX reader takes: elements by name, attributes as `#attributes`, named `Data` under their names.

use crate::ingest::values::quote;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting; beyond, it is no event.
const DEEPEST: usize = 64;
/// Elements of one event.
const MOST: usize = 20_000;

#[derive(Default)]
struct Node {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Self>,
}

/// The event as JSON.
///
/// # Errors
/// The XML is broken; how.
pub(super) fn json(text: &str) -> Result<String, String> {
    let root = tree(text)?;
    let mut out = String::with_capacity(text.len() + 64);
    out.push_str("{\"Event\":{");
    for (at, child) in root.children.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(&child.name, &mut out);
        out.push(':');
        if child.name == "EventData" { event_data(child, &mut out) } else { element(child, &mut out) }
    }
    out.push_str("}}");
    Ok(out)
}

fn tree(text: &str) -> Result<Node, String> {
    let broken = |error: &dyn std::fmt::Display| format!("its XML is broken ({error})");
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    let mut elements = 0usize;
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= DEEPEST || elements > MOST {
                    return Err("more elements than any event has".into());
                }
                open.push(node(&start).map_err(|error| broken(&error))?);
            }
            Event::Empty(start) => {
                elements += 1;
                let empty = node(&start).map_err(|error| broken(&error))?;
                match open.last_mut() {
                    Some(parent) if elements <= MOST => parent.children.push(empty),
                    _ => return Err("an event without content".into()),
                }
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { return Err("an element ends that never began".into()) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::Text(text) => {
                if let Some(inside) = open.last_mut() {
                    inside.text.push_str(&text.decode().map_err(|error| broken(&error))?);
                }
            }
            Event::CData(text) => {
                if let Some(inside) = open.last_mut() {
                    inside.text.push_str(&text.decode().map_err(|error| broken(&error))?);
                }
            }
            Event::GeneralRef(reference) => {
                let Some(inside) = open.last_mut() else { continue };
                let name = reference.decode().map_err(|error| broken(&error))?;
                match (reference.resolve_char_ref(), &*name) {
                    (Ok(Some(c)), _) => inside.text.push(c),
                    (_, "lt") => inside.text.push('<'),
                    (_, "gt") => inside.text.push('>'),
                    (_, "amp") => inside.text.push('&'),
                    (_, "apos") => inside.text.push('\''),
                    (_, "quot") => inside.text.push('"'),
                    // Entities of a document type are never looked up.
                    _ => inside.text.extend(["&", &*name, ";"]),
                }
            }
            Event::Eof => return Err("it ends too early".into()),
            _ => {}
        }
    }
}

fn node(start: &BytesStart<'_>) -> Result<Node, quick_xml::Error> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute?;
        let key = name(attribute.key.as_ref());
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_or_else(|_| name(&attribute.value), std::borrow::Cow::into_owned);
        if !key.starts_with("xmlns") {
            attributes.push((key, value));
        }
    }
    Ok(Node { name: name(start.local_name().as_ref()), attributes, ..Node::default() })
}

/// Text that is not the indentation between children.
fn own_text(node: &Node) -> Option<&str> {
    if node.children.is_empty() {
        return Some(node.text.as_str()).filter(|text| !text.is_empty());
    }
    Some(node.text.trim()).filter(|text| !text.is_empty())
}

fn element(node: &Node, out: &mut String) {
    let text = own_text(node);
    if node.attributes.is_empty() && node.children.is_empty() {
        return match text {
            Some(text) => value(text, out),
            None => out.push_str("null"),
        };
    }
    out.push('{');
    let mut first = true;
    attributes(node, &mut first, out);
    if let Some(text) = text {
        comma(&mut first, out);
        out.push_str("\"#text\":");
        value(text, out);
    }
    for child in &node.children {
        comma(&mut first, out);
        quote(&child.name, out);
        out.push(':');
        element(child, out);
    }
    out.push('}');
}

fn event_data(node: &Node, out: &mut String) {
    out.push('{');
    let mut first = true;
    attributes(node, &mut first, out);
    let unnamed: Vec<&str> =
        node.children.iter().filter(|child| child.name == "Data" && child.attributes.is_empty()).map(|child| child.text.as_str()).collect();
    if !unnamed.is_empty() {
        comma(&mut first, out);
        out.push_str("\"Data\":[");
        for (at, text) in unnamed.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            quote(text, out);
        }
        out.push(']');
    }
    for child in node.children.iter().filter(|child| child.name != "Data" || !child.attributes.is_empty()) {
        comma(&mut first, out);
        match child.attributes.iter().find(|(key, _)| key == "Name") {
            Some((_, name)) if child.name == "Data" => {
                quote(name, out);
                out.push(':');
                quote(&child.text, out);
            }
            _ => {
                quote(&child.name, out);
                out.push(':');
                element(child, out);
            }
        }
    }
    out.push('}');
}

fn attributes(node: &Node, first: &mut bool, out: &mut String) {
    if node.attributes.is_empty() {
        return;
    }
    comma(first, out);
    out.push_str("\"#attributes\":{");
    for (at, (name, text)) in node.attributes.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        value(text, out);
    }
    out.push('}');
}

fn comma(first: &mut bool, out: &mut String) {
    if !std::mem::take(first) {
        out.push(',');
    }
}

/// Plain numbers as numbers, as the EVTX reader has them in `System`; everything else as text.
fn value(text: &str, out: &mut String) {
    let number = text.len() < 16 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if number { out.push_str(text) } else { quote(text, out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_becomes_the_readers_json() {
        let xml = "<Event xmlns='x'><System><Provider Name='P' Guid='{1}'/><EventID Qualifiers='16384'>7036</EventID><Channel>A &amp; B</Channel></System>\n\
            <EventData Name='N'><Data Name='a'>1 &lt; 2</Data><Data Name='b'/><Binary>00</Binary></EventData></Event>";
        assert_eq!(
            json(xml).unwrap(),
            r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"P","Guid":"{1}"}},"EventID":{"#attributes":{"Qualifiers":16384},"#text":7036},"Channel":"A & B"},"EventData":{"#attributes":{"Name":"N"},"a":"1 < 2","b":"","Binary":"00"}}}"##
        );
        assert_eq!(json("<Event><EventData><Data>x</Data><Data>y</Data></EventData></Event>").unwrap(), r#"{"Event":{"EventData":{"Data":["x","y"]}}}"#);
    }

    #[test]
    fn broken_and_endless_xml_is_refused() {
        for xml in ["<Event><a></b></Event>", "<Event><System>", "<Event/>", &format!("<Event>{}", "<a>".repeat(100))] {
            assert!(json(xml).is_err(), "{xml}");
        }
        assert!(json("<Event><a>&unknown;</a></Event>").unwrap().contains("&unknown;"));
    }
}
