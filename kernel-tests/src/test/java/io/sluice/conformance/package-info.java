/**
 * The mesh profile of the Gateway API's conformance tests, as its specification has them: manifests
 * go through the real compiler, requests through two proxies with mutual TLS between them.
 *
 * <p>Start reading at {@link io.sluice.conformance.MeshProfileTest}.
 */
@NullMarked
package io.sluice.conformance;

import org.jspecify.annotations.NullMarked;
