"""Two images and a network -> where in the image each layer sees the difference, as pictures and as a page.

``maps.explain`` makes the maps, ``files.write_explanation`` the pictures and the page; ``policy`` is of any page.
"""
