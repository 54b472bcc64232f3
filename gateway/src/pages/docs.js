"use strict";
// The session is a cookie that scripts cannot read: the browser sends it with
// whatever is tried here.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  tryItOutEnabled: true,
  filter: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // Swagger's own validator would be asked on another host.
  validatorUrl: null,
});
