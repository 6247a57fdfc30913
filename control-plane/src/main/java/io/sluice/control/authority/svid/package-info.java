/**
 * X.509 certificates as SPIFFE wants them: how root, intermediate and leaf are made, how a chain is
 * checked, and PEM in and out.
 *
 * <p>Holds no key and no file of its own. Start reading at {@link
 * io.sluice.control.authority.svid.SvidRules}.
 */
@NullMarked
package io.sluice.control.authority.svid;

import org.jspecify.annotations.NullMarked;
