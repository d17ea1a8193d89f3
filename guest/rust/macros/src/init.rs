//! From a function to what an instance is prepared by. Checks what is better said here than by the compiler about the expansion;
//! the type of what it returns is left to the compiler.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Result, ReturnType, spanned::Spanned};

use crate::signature::Function;

const SIGNATURE: &str = "`fn name()` or `fn name() -> firstbyte::Result`";

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !attributes.is_empty() {
        return Err(Error::new_spanned(attributes, "`#[init]` takes no arguments"));
    }
    let function: Function = syn::parse2(item)
        .map_err(|error| Error::new(error.span(), format!("what prepares instances is a function: {SIGNATURE} ({error})")))?;
    check(&function)?;

    let name = &function.name;
    // Spanned as what the author wrote, so that the compiler's complaint about a type points there.
    let prepared = match &function.output {
        ReturnType::Default => quote!({
            #name();
            ::core::result::Result::Ok(())
        }),
        ReturnType::Type(_, output) => quote_spanned!(output.span()=> ::firstbyte::__private::Returned::into_result(#name())),
    };
    Ok(quote! {
        #function

        #[doc(hidden)]
        enum A_COMPONENT_HAS_ONE_INIT {}

        const _: () = {
            impl ::firstbyte::__private::Prepare for A_COMPONENT_HAS_ONE_INIT {
                fn prepare() -> ::core::result::Result<(), ::firstbyte::Error> {
                    #prepared
                }
            }

            // Elsewhere a linker would stumble over the name of what is exported, but the function is in use all the same.
            #[cfg(not(target_family = "wasm"))]
            let _ = <A_COMPONENT_HAS_ONE_INIT as ::firstbyte::__private::Prepare>::prepare;
            #[cfg(target_family = "wasm")]
            ::firstbyte::__private::export_init!(A_COMPONENT_HAS_ONE_INIT);
        };
    })
}

fn check(function: &Function) -> Result<()> {
    let refuse = |tokens: &dyn ToTokens, message: &str| Err(Error::new_spanned(tokens, format!("{message}: {SIGNATURE}")));
    if let Some(asyncness) = &function.asyncness {
        return refuse(asyncness, "what prepares instances has nothing to wait for and cannot be async");
    }
    if let Some(unsafety) = &function.unsafety {
        return refuse(unsafety, "what prepares instances cannot be unsafe");
    }
    if let Some(abi) = &function.abi {
        return refuse(abi, "what prepares instances has Rust's own calling convention");
    }
    if !function.generics.params.is_empty() || function.generics.where_clause.is_some() {
        return refuse(&function.generics, "what prepares instances cannot be generic");
    }
    if !function.arguments.is_empty() {
        return refuse(&function.arguments, "what prepares instances takes no arguments");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_has_its_own_message() {
        let cases = [
            ("async fn f() {}", "cannot be async"),
            ("unsafe fn f() {}", "cannot be unsafe"),
            ("extern \"C\" fn f() {}", "calling convention"),
            ("fn f<T>() {}", "cannot be generic"),
            ("fn f(request: Request) {}", "takes no arguments"),
            ("struct S;", "is a function"),
        ];
        for (item, expected) in cases {
            let item = item.parse().expect("tokens");
            let message = expand(TokenStream::new(), item).expect_err("this prepares nothing").to_string();
            assert!(message.contains(expected) && message.contains(SIGNATURE), "{message}");
        }
        let error = expand(
            quote!(once),
            quote!(
                fn f() {}
            ),
        )
        .expect_err("there are none");
        assert_eq!(error.to_string(), "`#[init]` takes no arguments");
    }
}
