/**
 * Whether a chain of certificates proves an identity: the one judge of certificates, for
 * handshakes, for the controller's port, and for what an authority answers. Knows the JDK alone.
 *
 * <p>Start reading at {@link io.sluice.mesh.svid.SvidJudge}.
 */
@NullMarked
package io.sluice.mesh.svid;

import org.jspecify.annotations.NullMarked;
