// Files that a build puts into the handler as text.
declare module "*.html" {
  const text: string;
  export default text;
}
