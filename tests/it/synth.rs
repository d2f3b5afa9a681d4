//! What the synthesiser writes is evidence: parsers read it whole, and truth refers to what is there.

use residue::synth::evtx_writer::{Element, EvtxWriter, Kind, Node, Template, Value, element};
use std::io::Cursor;

fn data(name: &str, place: u16, kind: Kind) -> Node {
    Node::Element(element("Data").attribute("Name", Node::Text(name.into())).with(Node::Place(place, kind)))
}

/// A template with every kind of value.
fn every_kind() -> Template {
    let kinds = [("Text", Kind::Text), ("Long", Kind::U64), ("Yes", Kind::Bool), ("Id", Kind::Guid), ("Time", Kind::FileTime), ("Who", Kind::Sid), ("Hex", Kind::Hex64), ("Bytes", Kind::Binary)];
    let mut payload: Element = element("EventData");
    for (index, (name, kind)) in kinds.into_iter().enumerate() {
        payload = payload.with(data(name, index as u16 + 3, kind));
    }
    let system = element("System")
        .with(Node::Element(element("EventID").with(Node::Place(0, Kind::U16))))
        .with(Node::Element(element("EventRecordID").with(Node::Place(1, Kind::U64))))
        .with(Node::Element(element("Correlation").attribute("ActivityID", Node::Optional(2, Kind::Guid))));
    Template::new(element("Event").attribute("xmlns", Node::Text("http://schemas.microsoft.com/win/2004/08/events/event".into())).with(Node::Element(system)).with(Node::Element(payload)))
}

#[test]
fn every_kind_of_value_comes_back() {
    let template = every_kind();
    let mut writer = EvtxWriter::new(Cursor::new(Vec::new())).unwrap();
    for id in 5..2005 {
        let text = format!("snow & <ice> Ω {id}");
        let guid = [0x25, 0x96, 0x84, 0x54, 0x78, 0x54, 0x94, 0x49, 0xa5, 0xba, 0x3e, 0x3b, 0x03, 0x28, 0xc3, 0x0d];
        let values = [
            Value::U16(4711),
            Value::U64(id),
            Value::Null,
            Value::Text(&text),
            Value::U64(u64::MAX),
            Value::Bool(true),
            Value::Guid(guid),
            Value::FileTime(1_600_365_438_123_456_700),
            Value::Sid("S-1-5-21-10-20-30-1104"),
            Value::Hex64(0x3e7),
            Value::Binary(&[0xca, 0xfe]),
        ];
        writer.record(id, 1_600_365_438_123_456_700, &template, &values).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let settings = evtx::ParserSettings::default().validate_checksums(true);
    let mut parser = evtx::EvtxParser::from_buffer(bytes).unwrap().with_configuration(settings);
    let mut expected = 5;
    for record in parser.records_json_value() {
        let record = record.unwrap();
        assert_eq!(record.event_record_id, expected);
        assert_eq!(record.timestamp.to_string(), "2020-09-17T17:57:18.1234567Z");
        let event = &record.data["Event"];
        assert_eq!(event["System"]["EventID"], 4711);
        assert_eq!(event["System"]["Correlation"], serde_json::Value::Null);
        let payload = &event["EventData"];
        assert_eq!(payload["Text"], format!("snow & <ice> Ω {expected}"));
        assert_eq!(payload["Long"], u64::MAX);
        assert_eq!(payload["Yes"], true);
        assert_eq!(payload["Id"].as_str().unwrap().to_lowercase().trim_matches(['{', '}']), "54849625-5478-4994-a5ba-3e3b0328c30d");
        assert_eq!(payload["Who"], "S-1-5-21-10-20-30-1104");
        assert_eq!(payload["Hex"], "0x3e7");
        assert_eq!(payload["Bytes"], "CAFE");
        expected += 1;
    }
    assert_eq!(expected, 2005, "every record was read");
}
