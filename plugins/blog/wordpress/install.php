<?php
// Sets a fresh WordPress up for tests: php install.php DIR URL. Prints what the tests must know, as JSON.
[ , $dir, $url ] = $argv;
$_SERVER['HTTP_HOST'] = parse_url( $url, PHP_URL_HOST ) . ':' . parse_url( $url, PHP_URL_PORT );
define( 'WP_INSTALLING', true );
require "$dir/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'A blog about lamps', 'cleo', 'cleo@example.org', true, '', 'a password for tests only' );
foreach ( array(
	'permalink_structure' => '/%year%/%monthnum%/%postname%/',
	'comment_moderation' => 0, 'comment_previously_approved' => 0, 'thread_comments_depth' => 5,
	'disallowed_keys' => 'casino',
) as $name => $value ) {
	update_option( $name, $value );
}
$passwords = array();
foreach ( array( 'cleo' => 'administrator', 'dora' => 'subscriber' ) as $login => $role ) {
	$user = username_exists( $login ) ?: wp_insert_user( array(
		'user_login' => $login, 'user_pass' => wp_generate_password(), 'user_email' => "$login@example.org",
		'role' => $role,
	) );
	[ $passwords[ $login ] ] = WP_Application_Passwords::create_new_application_password( $user, array( 'name' => 'Kinline' ) );
}
echo wp_json_encode( $passwords );
