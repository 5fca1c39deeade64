//! Register files pass the generated tests, defects do not, and declarations are taken at their word.

mod alternates;
mod declarations;
mod defects;
mod descriptions;
mod register_files;
