//! The rooms of the core don't import each other in circles. A module and those inside of it are one room.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, UseTree};

/// A module, as the names that lead to it from the crate's root.
type Module = Vec<String>;

/// All modules that are files, with what is in them.
fn modules(folder: &Path, at: &[String], found: &mut BTreeMap<Module, syn::File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let within = |name: String| at.iter().cloned().chain([name]).collect::<Module>();
        if path.is_dir() {
            modules(&path, &within(name), found);
        } else if name != "tests" {
            let module = if name == "lib" || name == "mod" { at.to_vec() } else { within(name) };
            found.insert(module, syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
        }
    }
}

/// The paths that a module names.
#[derive(Default)]
struct Named(Vec<Vec<String>>);

impl Named {
    fn tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.0.push(with(name.ident.to_string())),
            UseTree::Rename(name) => self.0.push(with(name.ident.to_string())),
            UseTree::Glob(_) => self.0.push(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'a> Visit<'a> for Named {
    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}

/// The module that a path named in `module` leads into.
fn target(module: &Module, path: &[String], all: &BTreeMap<Module, syn::File>) -> Option<Module> {
    let mut base = module.clone();
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" => base.clear(),
            "super" => _ = base.pop(),
            "self" => {}
            _ => break,
        }
        rest = after;
    }
    let whole: Module = base.iter().chain(rest).cloned().collect();
    (base.len()..=whole.len()).rev().map(|len| whole[..len].to_vec()).find(|module| all.contains_key(module))
}

#[test]
fn no_room_is_above_and_below_another() {
    let mut all = BTreeMap::new();
    modules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut all);
    assert!(all.len() > 80, "{}", all.len());
    let mut imports: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, file) in &all {
        let mut named = Named::default();
        named.visit_file(file);
        let targets = named.0.iter().filter_map(|path| target(module, path, &all));
        // A module gives its face to what is in the modules inside of it, which use its types.
        let others = targets.filter(|target| !target.starts_with(module) && !module.starts_with(target));
        imports.insert(module, others.collect());
    }
    assert!(imports[&vec!["audit".to_owned(), "seek".to_owned()]].contains(&vec!["seek".to_owned()]));

    // Takes away what imports nothing that is left, until nothing is or a circle.
    while let Some(lowest) = imports.iter().find(|(_, targets)| targets.is_empty()).map(|(module, _)| (*module).clone())
    {
        imports.remove(&lowest);
        imports.values_mut().for_each(|targets| _ = targets.remove(&lowest));
    }
    let circles: Vec<String> = imports
        .iter()
        .map(|(module, targets)| {
            let targets: Vec<_> = targets.iter().map(|target| target.join("::")).collect();
            format!("{} -> {}", module.join("::"), targets.join(", "))
        })
        .collect();
    assert!(circles.is_empty(), "in a circle, or above one:\n{}", circles.join("\n"));
}
