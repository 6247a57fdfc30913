/**
 * The admission webhook: objects are refused by the API server when the mesh could not use them.
 *
 * <p>It only speaks HTTPS and JSON; what is wrong with an object is {@code
 * io.sluice.control.validate}'s business. Start reading at {@link
 * io.sluice.control.webhook.AdmissionWebhook}.
 */
@NullMarked
package io.sluice.control.webhook;

import org.jspecify.annotations.NullMarked;
