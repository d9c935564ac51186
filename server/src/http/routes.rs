//! The routes of the API, as a router and as a list.
//!
//! axum cannot list the routes of a router. The list is needed for the test that compares the routes with the description
//! of the API.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{self, MethodRouter},
};

/// Routes with one state, below `/api`.
pub struct ApiRoutes<S> {
    router: Router<S>,
    operations: Vec<ApiOperation>,
}

/// A method of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiOperation {
    /// The path with its parameters in braces.
    pub path: String,
    /// The method in capital letters.
    pub method: String,
}

/// The handlers of one path.
pub struct Methods<S> {
    router: MethodRouter<S>,
    methods: Vec<Method>,
}

impl<S: Clone + Send + Sync + 'static> ApiRoutes<S> {
    /// Returns no routes.
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            operations: Vec::new(),
        }
    }

    /// Adds the handlers of a path.
    pub fn route(mut self, path: &'static str, methods: Methods<S>) -> Self {
        self.router = self.router.route(path, methods.router);
        let operations = methods.methods.iter().map(|method| ApiOperation {
            path: format!("{PREFIX}{}", path.trim_end_matches('/')),
            method: method.to_string(),
        });
        self.operations.extend(operations);
        self
    }

    /// Adds other routes.
    pub fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.operations.extend(others.operations);
        self
    }

    /// Gives the handlers their state.
    pub fn with_state<Other>(self, state: S) -> ApiRoutes<Other> {
        ApiRoutes {
            router: self.router.with_state(state),
            operations: self.operations,
        }
    }

    /// Returns the router.
    pub fn into_router(self) -> Router<S> {
        self.router
    }

    /// Returns the list.
    #[cfg(test)]
    pub fn into_operations(self) -> Vec<ApiOperation> {
        self.operations
    }
}

impl<S: Clone + Send + Sync + 'static> Methods<S> {
    /// Adds a handler of POST.
    pub fn post<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.with(Method::POST, routing::post(handler))
    }

    /// Adds a handler of GET.
    pub fn get<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.with(Method::GET, routing::get(handler))
    }

    /// Adds a handler of DELETE.
    pub fn delete<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.with(Method::DELETE, routing::delete(handler))
    }

    /// Adds a handler of PUT.
    pub fn put<H: Handler<T, S>, T: 'static>(self, handler: H) -> Self {
        self.with(Method::PUT, routing::put(handler))
    }

    fn with(mut self, method: Method, router: MethodRouter<S>) -> Self {
        self.router = self.router.merge(router);
        self.methods.push(method);
        self
    }

    fn new() -> Self {
        Self {
            router: MethodRouter::new(),
            methods: Vec::new(),
        }
    }
}

/// Handles GET and HEAD.
pub fn get<H: Handler<T, S>, T: 'static, S: Clone + Send + Sync + 'static>(
    handler: H,
) -> Methods<S> {
    Methods::new().get(handler)
}

/// Handles POST.
pub fn post<H: Handler<T, S>, T: 'static, S: Clone + Send + Sync + 'static>(
    handler: H,
) -> Methods<S> {
    Methods::new().post(handler)
}

/// Handles DELETE.
pub fn delete<H: Handler<T, S>, T: 'static, S: Clone + Send + Sync + 'static>(
    handler: H,
) -> Methods<S> {
    Methods::new().delete(handler)
}

/// The path of the API.
pub const PREFIX: &str = "/api";
