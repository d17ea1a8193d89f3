//! From a function to an exported handler. Checks what is better said here than by the compiler about the expansion; types are
//! left to the compiler.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Result, ReturnType, Type, spanned::Spanned};

use crate::signature::Function;

const SIGNATURE: &str = "`fn name(request: Request, response: Response) -> firstbyte::Result`";

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !attributes.is_empty() {
        return Err(Error::new_spanned(attributes, "`#[handler]` takes no arguments"));
    }
    let function: Function =
        syn::parse2(item).map_err(|error| Error::new(error.span(), format!("a handler is a function: {SIGNATURE} ({error})")))?;
    let ([request_type, response_type], output) = check(&function)?;

    let name = &function.name;
    // Each is spanned as what the author wrote, so that the compiler's complaint about a type points there.
    let request = quote_spanned!(request_type.span()=> ::firstbyte::__private::request(request));
    let response = quote_spanned!(response_type.span()=> ::firstbyte::__private::response(response));
    let run = match function.asyncness {
        Some(_) => quote_spanned!(output.span()=> ::firstbyte::__private::run_async),
        None => quote_spanned!(output.span()=> ::firstbyte::__private::run),
    };
    let call = quote_spanned!(output.span()=> #run(|| #name(#request, #response)));
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

/// The types of the two arguments, and what is returned.
fn check(function: &Function) -> Result<([&Type; 2], &Type)> {
    let refuse = |tokens: &dyn ToTokens, message: &str| Err(Error::new_spanned(tokens, format!("{message}: {SIGNATURE}")));
    if let Some(unsafety) = &function.unsafety {
        return refuse(unsafety, "a handler cannot be unsafe");
    }
    if let Some(abi) = &function.abi {
        return refuse(abi, "a handler has Rust's own calling convention");
    }
    if !function.generics.params.is_empty() || function.generics.where_clause.is_some() {
        return refuse(&function.generics, "a handler cannot be generic");
    }
    let types: Vec<Option<&Type>> = function.arguments.iter().map(|argument| Some(&argument.ty.as_ref()?.1)).collect();
    let [request, response] = types[..] else {
        return Err(Error::new(function.parenthesis.span.join(), format!("a handler takes two arguments: {SIGNATURE}")));
    };
    let (Some(request), Some(response)) = (request, response) else {
        return refuse(&function.arguments, "a handler is a free function without `self`");
    };
    match &function.output {
        ReturnType::Type(_, output) => Ok(([request, response], output)),
        ReturnType::Default => refuse(&function.name, "a handler returns how it ended"),
    }
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
