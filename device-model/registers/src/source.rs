//! The SVD file as a tree with lines, derivation and arrays; words and numbers in it are read by `svd-parser`.

use roxmltree::{Document, Node};
use svd_parser::svd::DimElement;
use svd_parser::{Config, Parse};

use crate::error::{Finding, MapError};

/// An element that may be an array has no more instances than this.
const MAXIMUM_INSTANCES: u32 = 0x1_0000;

/// The text of an SVD file, taken apart.
pub struct Description<'text> {
    pub(crate) document: Document<'text>,
    line_starts: Vec<usize>,
}

impl<'text> Description<'text> {
    /// Takes the text of an SVD file apart. What it says is looked at when a map is built.
    pub fn parse(text: &'text str) -> Result<Self, MapError> {
        let text = text.trim_start_matches('\u{feff}');
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Ok(Self { document: Document::parse(text)?, line_starts })
    }

    /// The line of the file that `node` begins in, from 1.
    pub(crate) fn line(&self, node: Node<'_, '_>) -> u32 {
        self.line_starts.partition_point(|start| *start <= node.range().start) as u32
    }

    /// A refusal that nothing lets through.
    pub(crate) fn refusal(&self, node: Node<'_, '_>, place: &str, problem: impl Into<String>) -> MapError {
        let finding =
            Finding { line: self.line(node), place: place.to_owned(), problem: problem.into(), leniency: None };
        MapError::Refused(Box::new(finding))
    }

    /// The content of `node` as `svd-parser` reads it.
    pub(crate) fn read<T>(&self, node: Node<'_, '_>, place: &str, config: &T::Config) -> Result<T::Object, MapError>
    where
        T: Parse,
        T::Error: std::fmt::Display,
    {
        T::parse(&node, config)
            .map_err(|error| self.refusal(node, place, format!("<{}>: {error}", node.tag_name().name())))
    }

    /// The content of the element's child `tag` as `svd-parser` reads it.
    pub(crate) fn read_child<T>(
        &self,
        element: &Element<'_>,
        tag: &str,
        place: &str,
        config: &T::Config,
    ) -> Result<Option<T::Object>, MapError>
    where
        T: Parse,
        T::Error: std::fmt::Display,
    {
        element.child(tag).map(|node| self.read::<T>(node, place, config)).transpose()
    }

    /// The number in the element's child `tag`, which has to be there.
    pub(crate) fn number(&self, element: &Element<'_>, tag: &str, place: &str) -> Result<u64, MapError> {
        self.read_child::<u64>(element, tag, place, &())?
            .ok_or_else(|| self.refusal(element.own(), place, format!("<{tag}> is missing")))
    }

    /// `node` with all that it is derived from.
    pub(crate) fn element<'a>(&self, node: Node<'a, 'a>, place: &str) -> Result<Element<'a>, MapError> {
        let mut nodes = vec![node];
        let mut last = node;
        while let Some(wanted) = last.attribute("derivedFrom") {
            let base = nearest(last, wanted)
                .map_err(|problem| self.refusal(last, place, format!("derivedFrom=\"{wanted}\": {problem}")))?;
            if nodes.contains(&base) {
                return Err(self.refusal(last, place, format!("derivedFrom=\"{wanted}\": derived from itself")));
            }
            nodes.push(base);
            last = base;
        }
        Ok(Element { nodes })
    }

    /// Name and distance in address units of every instance of `element`: one, or those of the array that it is.
    pub(crate) fn instances(&self, element: &Element<'_>, place: &str) -> Result<Vec<(String, u64)>, MapError> {
        let own = element.own();
        let name = element.template();
        if name.is_empty() {
            return Err(self.refusal(own, place, format!("<{}> has no name", own.tag_name().name())));
        }
        let place = &join(place, name);
        let own_array = ["dim", "dimIncrement"].iter().any(|tag| child(own, tag).is_some());
        if !name.contains("%s") {
            return if own_array {
                Err(self.refusal(own, place, "an array needs %s in its name, where the index goes"))
            } else {
                Ok(vec![(name.to_owned(), 0)])
            };
        }
        let Some(dim_node) = element.nodes.iter().copied().find(|node| child(*node, "dim").is_some()) else {
            return Err(self.refusal(own, place, "the name has %s, but <dim> is missing"));
        };
        // Counted before svd-parser makes a list of them.
        let dim_text = Element { nodes: vec![dim_node] };
        let count = self.read_child::<u32>(&dim_text, "dim", place, &())?.unwrap_or_default();
        if count == 0 || count > MAXIMUM_INSTANCES {
            let problem = format!("an array has 1 to {MAXIMUM_INSTANCES} elements, not {count}");
            return Err(self.refusal(dim_node, place, problem));
        }
        let array = self.read::<DimElement>(dim_node, place, &Config::default())?;
        if let Some(indexes) = array.dim_index.as_ref().filter(|indexes| indexes.len() != count as usize) {
            let problem = format!("<dimIndex> has {} elements, <dim> is {count}", indexes.len());
            return Err(self.refusal(dim_node, place, problem));
        }
        let increment = u64::from(array.dim_increment);
        Ok((0..).zip(array.indexes()).map(|(number, index)| (name.replace("%s", &index), number * increment)).collect())
    }
}

/// An element with those that it is derived from, nearest first.
#[derive(Clone)]
pub(crate) struct Element<'a> {
    nodes: Vec<Node<'a, 'a>>,
}

impl<'a> Element<'a> {
    /// The element itself.
    pub(crate) fn own(&self) -> Node<'a, 'a> {
        self.nodes[0]
    }

    /// Its name as the file has it, with `%s` where an array has its index.
    pub(crate) fn template(&self) -> &'a str {
        text_of(self.own(), "name").unwrap_or_default()
    }

    /// All of them.
    pub(crate) fn nodes(&self) -> &[Node<'a, 'a>] {
        &self.nodes
    }

    /// Its child `tag`, else that of what it is derived from.
    pub(crate) fn child(&self, tag: &str) -> Option<Node<'a, 'a>> {
        self.nodes.iter().find_map(|node| child(*node, tag))
    }

    pub(crate) fn text(&self, tag: &str) -> Option<&'a str> {
        self.nodes.iter().find_map(|node| text_of(*node, tag))
    }

    /// Its children with one of `tags`, below `container` if it has one; then those of what it is derived from,
    /// unless one of the same name has taken their place.
    pub(crate) fn members(&self, container: Option<&str>, tags: &[&str]) -> Vec<Node<'a, 'a>> {
        let mut members: Vec<Node<'a, 'a>> = Vec::new();
        for node in &self.nodes {
            let Some(parent) = container.map_or(Some(*node), |tag| child(*node, tag)) else { continue };
            let inherited = members.len();
            for member in parent.children().filter(|node| tags.contains(&node.tag_name().name())) {
                let name = text_of(member, "name");
                if name.is_none() || members[..inherited].iter().all(|other| text_of(*other, "name") != name) {
                    members.push(member);
                }
            }
        }
        members
    }

    /// All the children `tag` of the nearest of its nodes that has any.
    pub(crate) fn nearest_children(&self, tag: &str) -> Vec<Node<'a, 'a>> {
        let of = |node: &Node<'a, 'a>| node.children().filter(|node| node.has_tag_name(tag)).collect::<Vec<_>>();
        self.nodes.iter().map(of).find(|children| !children.is_empty()).unwrap_or_default()
    }
}

/// The element of the same kind called `wanted`, a name or the end of a dotted path, in the narrowest surroundings
/// of `node` that have one.
fn nearest<'a>(node: Node<'a, 'a>, wanted: &str) -> Result<Node<'a, 'a>, String> {
    let tag = node.tag_name().name();
    let called = |other: &Node<'a, 'a>| *other != node && other.has_tag_name(tag) && path_ends_with(*other, wanted);
    for scope in node.ancestors().skip(1) {
        let mut matches: Vec<_> = scope.children().filter(called).collect();
        if matches.is_empty() {
            matches = scope.descendants().filter(called).collect();
        }
        match matches[..] {
            [] => {}
            [only] => return Ok(only),
            _ => return Err(format!("{} elements <{tag}> have this name; write its full path", matches.len())),
        }
    }
    Err(format!("there is no other <{tag}> of this name"))
}

fn path_ends_with(node: Node<'_, '_>, wanted: &str) -> bool {
    let mut parts = wanted.rsplit('.');
    let mut names = node.ancestors().filter_map(|node| text_of(node, "name"));
    parts.all(|part| {
        names.next().is_some_and(|name| {
            name == part || name.strip_suffix("[%s]").or(name.strip_suffix("%s")).is_some_and(|bare| bare == part)
        })
    })
}

/// The name of `node` with those that it is in, as the file has them, the device's aside.
pub(crate) fn full_name(node: Node<'_, '_>) -> String {
    let inside = node.ancestors().filter(|node| !node.has_tag_name("device"));
    let mut names: Vec<_> = inside.filter_map(|node| text_of(node, "name")).collect();
    names.reverse();
    names.join(".")
}

pub(crate) fn child<'a>(node: Node<'a, 'a>, tag: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name(tag))
}

fn text_of<'a>(node: Node<'a, 'a>, tag: &str) -> Option<&'a str> {
    child(node, tag)?.text().map(str::trim)
}

/// A name below another one.
pub(crate) fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}
