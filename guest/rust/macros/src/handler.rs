//! From a function to an exported handler. Checks what is better said here than by the compiler about the expansion; types are
//! left to the compiler.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Error, ItemFn, Result, ReturnType, Safety, Signature, spanned::Spanned};

const SIGNATURE: &str = "`fn name(request: Request, response: Response) -> firstbyte::Result`";

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !attributes.is_empty() {
        return Err(Error::new_spanned(attributes, "`#[handler]` takes no arguments"));
    }
    let function: ItemFn =
        syn::parse2(item).map_err(|error| Error::new(error.span(), format!("a handler is a function: {SIGNATURE} ({error})")))?;
    check(&function.sig)?;

    let name = &function.sig.ident;
    let run = if function.sig.asyncness.is_some() { format_ident!("run_async") } else { format_ident!("run") };
    // Spanned as the signature, so that the compiler's complaint about a type points there.
    let call = quote_spanned!(function.sig.span()=> ::firstbyte::__private::#run(#name, request, response));
    Ok(quote! {
        // Requests and responses are handed over, whether or not a handler uses them up.
        #[allow(clippy::needless_pass_by_value)]
        #function

        #[doc(hidden)]
        enum A_COMPONENT_HAS_ONE_HANDLER {}

        const _: () = {
            impl ::firstbyte::__private::Guest for A_COMPONENT_HAS_ONE_HANDLER {
                fn handle(
                    request: ::firstbyte::__private::invocation::Request,
                    response: ::firstbyte::__private::invocation::Response,
                ) -> ::core::result::Result<(), ::firstbyte::__private::invocation::Failure> {
                    #call
                }
            }

            // Elsewhere a linker would stumble over the name of what is exported, but the handler is in use all the same.
            #[cfg(not(target_family = "wasm"))]
            let _ = <A_COMPONENT_HAS_ONE_HANDLER as ::firstbyte::__private::Guest>::handle;
            #[cfg(target_family = "wasm")]
            ::firstbyte::__private::export!(A_COMPONENT_HAS_ONE_HANDLER with_types_in ::firstbyte::__private::bindings);
        };
    })
}

fn check(signature: &Signature) -> Result<()> {
    let refuse = |tokens: &dyn ToTokens, message: &str| Err(Error::new_spanned(tokens, format!("{message}: {SIGNATURE}")));
    if let Safety::Unsafe(unsafety) = &signature.safety {
        return refuse(unsafety, "a handler cannot be unsafe");
    }
    if let Some(abi) = &signature.abi {
        return refuse(abi, "a handler has Rust's own calling convention");
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        return refuse(&signature.generics, "a handler cannot be generic");
    }
    if let Some(receiver) = signature.receiver() {
        return refuse(receiver, "a handler is a free function without `self`");
    }
    if signature.inputs.len() != 2 || signature.variadic.is_some() {
        return Err(Error::new(signature.paren_token.span.join(), format!("a handler takes two arguments: {SIGNATURE}")));
    }
    if matches!(signature.output, ReturnType::Default) {
        return refuse(signature, "a handler returns how it ended");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(item: TokenStream) -> String {
        expand(TokenStream::new(), item).expect_err("this is no handler").to_string()
    }

    #[test]
    fn each_mistake_has_its_own_message() {
        let cases = [
            (
                quote!(
                    fn f() -> Result {}
                ),
                "takes two arguments",
            ),
            (
                quote!(
                    fn f(a: A, b: B, c: C) -> Result {}
                ),
                "takes two arguments",
            ),
            (
                quote!(
                    fn f(a: A, b: B) {}
                ),
                "returns how it ended",
            ),
            (
                quote!(
                    fn f<T>(a: A, b: B) -> Result {}
                ),
                "cannot be generic",
            ),
            (
                quote!(
                    fn f(&self, b: B) -> Result {}
                ),
                "without `self`",
            ),
            (
                quote!(
                    unsafe fn f(a: A, b: B) -> Result {}
                ),
                "cannot be unsafe",
            ),
            (
                quote!(
                    extern "C" fn f(a: A, b: B) -> Result {}
                ),
                "calling convention",
            ),
            (
                quote!(
                    struct S;
                ),
                "a handler is a function",
            ),
        ];
        for (item, expected) in cases {
            let message = refusal(item);
            assert!(message.contains(expected) && message.contains(SIGNATURE), "{message}");
        }
    }

    #[test]
    fn arguments_of_the_attribute_are_refused() {
        let error = expand(
            quote!(fast),
            quote!(
                fn f(a: A, b: B) -> Result {}
            ),
        )
        .expect_err("there are none");
        assert_eq!(error.to_string(), "`#[handler]` takes no arguments");
    }
}
