// Everything the page loads comes from this hub; no validator, no fonts, no remote anything.
SwaggerUIBundle({ url: "/schema", dom_id: "#page", deepLinking: true, validatorUrl: null });
