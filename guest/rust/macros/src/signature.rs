//! A function as far as a handler's matters: its signature in parts, its body as it stands. Not syn's own `ItemFn`: what that
//! needs (`full`) costs every handler's build more than a second.

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt as _};
use syn::{
    Abi, Attribute, Generics, Ident, Result, ReturnType, Token, Type, Visibility, WhereClause, parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token::Paren,
};

/// A function.
pub(crate) struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    constness: Option<Token![const]>,
    pub(crate) asyncness: Option<Token![async]>,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) abi: Option<Abi>,
    fn_token: Token![fn],
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) parenthesis: Paren,
    pub(crate) arguments: Punctuated<Argument, Token![,]>,
    pub(crate) output: ReturnType,
    body: TokenStream,
}

/// An argument: `pattern: Type`. `self` has no type.
pub(crate) struct Argument {
    pattern: TokenStream,
    pub(crate) ty: Option<(Token![:], Type)>,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let arguments;
        let mut function = Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            constness: input.parse()?,
            asyncness: input.parse()?,
            unsafety: input.parse()?,
            abi: input.parse()?,
            fn_token: input.parse()?,
            name: input.parse()?,
            generics: input.parse()?,
            parenthesis: parenthesized!(arguments in input),
            arguments: arguments.parse_terminated(Argument::parse, Token![,])?,
            output: input.parse()?,
            body: TokenStream::new(),
        };
        function.generics.where_clause = input.parse::<Option<WhereClause>>()?;
        function.body = input.parse()?;
        Ok(function)
    }
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut pattern = TokenStream::new();
        while !input.is_empty() && !input.peek(Token![,]) && (!input.peek(Token![:]) || input.peek(Token![::])) {
            if input.peek(Token![::]) {
                input.parse::<Token![::]>()?.to_tokens(&mut pattern);
            } else {
                pattern.append(input.parse::<proc_macro2::TokenTree>()?);
            }
        }
        let ty = match input.parse::<Option<Token![:]>>()? {
            Some(colon) => Some((colon, input.parse()?)),
            None => None,
        };
        Ok(Self { pattern, ty })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attributes);
        self.visibility.to_tokens(tokens);
        self.constness.to_tokens(tokens);
        self.asyncness.to_tokens(tokens);
        self.unsafety.to_tokens(tokens);
        self.abi.to_tokens(tokens);
        self.fn_token.to_tokens(tokens);
        self.name.to_tokens(tokens);
        self.generics.to_tokens(tokens);
        self.parenthesis.surround(tokens, |tokens| self.arguments.to_tokens(tokens));
        self.output.to_tokens(tokens);
        self.generics.where_clause.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.pattern.to_tokens(tokens);
        if let Some((colon, ty)) = &self.ty {
            colon.to_tokens(tokens);
            ty.to_tokens(tokens);
        }
    }
}
