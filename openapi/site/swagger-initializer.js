/* Replaces the initializer of swagger-ui-dist, which opens its maker's sample. */
window.onload = function () {
    window.ui = SwaggerUIBundle({
        url: '/docs.json',
        dom_id: '#swagger-ui',
        deepLinking: true,
        validatorUrl: null,
        queryConfigEnabled: false,
        defaultModelsExpandDepth: 0,
        presets: [SwaggerUIBundle.presets.apis],
        layout: 'BaseLayout'
    });
};
